#include "agent/ctl/link_report.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "agent/ctl/link_messages.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

void put_first(json::object& out, const Check* failed) {
  out["ok"] = failed == nullptr;
  out["failed"] = failed == nullptr ? json::value(nullptr) : json::value(failed->id);
  out["code"] = failed == nullptr ? json::value(nullptr) : json::value(failed->code);
}

/// The last line: the first fault, whose it is, and whether the kiosk works all the same.
std::string conclusion(const LinkReport& report, const Check& failed, bool works, Lang lang) {
  const auto fill = [lang](const Text& words, const auto&... args) {
    return fmt::format(fmt::runtime(words.in(lang)), args...);
  };
  const auto of_failed = std::ranges::find_if(
      report.ways, [&](const LinkReport::Way& way) { return first_failed(way.steps) == &failed; });
  if (of_failed == report.ways.end() || report.ways.size() == 1) {
    return fill(message::link_first_fault, failed.title);
  }
  auto out = fill(message::link_fault_at, failed.title, of_failed->server.text());
  const auto well = std::ranges::find_if(
      report.ways, [](const LinkReport::Way& way) { return first_failed(way.steps) == nullptr; });
  if (works && well != report.ways.end())
    out += fill(message::link_other_well, well->server.text());
  return out;
}

}  // namespace

bool LinkReport::passable() const {
  return std::ranges::any_of(
      ways, [](const Way& way) { return ctl::first_failed(way.steps) == nullptr; });
}

const Check* LinkReport::first_failed() const {
  if (identity.outcome == Outcome::fail) return &identity;
  for (const auto& way : ways) {
    if (const auto* failed = ctl::first_failed(way.steps)) return failed;
  }
  return acknowledged.outcome == Outcome::fail ? &acknowledged : nullptr;
}

json::object to_json(const LinkReport& report) {
  json::object out;
  put_first(out, report.first_failed());
  out["identity"] = to_json(report.identity, "step");
  json::array ways;
  for (const auto& way : report.ways) {
    json::object to;
    to["server"] = way.server.text();
    put_first(to, first_failed(way.steps));
    json::array steps;
    for (const auto& step : way.steps) steps.push_back(to_json(step, "step"));
    to["steps"] = std::move(steps);
    ways.push_back(std::move(to));
  }
  out["servers"] = std::move(ways);
  out["acknowledged"] = to_json(report.acknowledged, "step");
  return out;
}

std::string link_text(const LinkReport& report, const View& view) {
  Table table;
  put_row(table, report.identity, view.lang);
  for (const auto& way : report.ways) {
    table.row({"", {way.server.text(), Colour::strong}, ""});
    for (const auto& step : way.steps) put_row(table, step, view.lang);
  }
  put_row(table, report.acknowledged, view.lang);
  const auto* failed = report.first_failed();
  const bool works = report.passable() && report.acknowledged.outcome == Outcome::ok;
  const auto last = failed == nullptr ? std::string{message::link_all_well.in(view.lang)}
                                      : conclusion(report, *failed, works, view.lang);
  const auto colour = failed == nullptr ? Colour::good : works ? Colour::warning : Colour::bad;
  return table.text(view) + "\n" + painted(last, colour, view) + "\n";
}

}  // namespace kw::agent::ctl
