#include "agent/ctl/link_report.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "agent/ctl/link_messages.hpp"
#include "agent/ctl/spans.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object to_json(const LinkStep& step) {
  json::object out;
  out["step"] = step.step;
  out["state"] = name(step.state);
  out["took_ms"] = step.took.count() / 1'000;
  out["code"] = text_or_null(step.code);
  out["detail"] = step.detail;
  out["advice"] = text_or_null(step.advice);
  return out;
}

void put_first(json::object& out, const LinkStep* failed) {
  out["ok"] = failed == nullptr;
  out["failed"] = failed == nullptr ? json::value(nullptr) : json::value(failed->step);
  out["code"] = failed == nullptr ? json::value(nullptr) : json::value(failed->code);
}

void put_row(Table& table, const LinkStep& step, Lang lang) {
  struct Mark {
    const char* sign;
    Colour colour;
  };
  constexpr Mark marks[] = {
      {"✓", Colour::good}, {"!", Colour::warning}, {"✗", Colour::bad}, {"·", Colour::faint}};
  const auto& mark = marks[static_cast<std::size_t>(step.state)];
  const bool taken = step.state != StepState::skipped;
  table.row({{mark.sign, mark.colour},
             {step.title, taken ? Colour::plain : Colour::faint},
             taken ? span_text(step.took, lang) : std::string{},
             {step.detail, taken ? Colour::plain : Colour::faint}});
  if (!step.advice.empty()) table.row({"", "", "→", {step.advice, Colour::strong}});
}

}  // namespace

bool LinkReport::passable() const {
  return std::ranges::any_of(
      ways, [](const Way& way) { return ctl::first_failed(way.steps) == nullptr; });
}

const LinkStep* LinkReport::first_failed() const {
  if (identity.state == StepState::fail) return &identity;
  for (const auto& way : ways) {
    if (const auto* failed = ctl::first_failed(way.steps)) return failed;
  }
  return acknowledged.state == StepState::fail ? &acknowledged : nullptr;
}

json::object to_json(const LinkReport& report) {
  json::object out;
  put_first(out, report.first_failed());
  out["identity"] = to_json(report.identity);
  json::array ways;
  for (const auto& way : report.ways) {
    json::object to;
    to["server"] = way.server.text();
    put_first(to, first_failed(way.steps));
    json::array steps;
    for (const auto& step : way.steps) steps.push_back(to_json(step));
    to["steps"] = std::move(steps);
    ways.push_back(std::move(to));
  }
  out["servers"] = std::move(ways);
  out["acknowledged"] = to_json(report.acknowledged);
  return out;
}

std::string link_text(const LinkReport& report, const View& view) {
  Table table;
  put_row(table, report.identity, view.lang);
  for (const auto& way : report.ways) {
    table.row({"", {way.server.text(), Colour::strong}, "", ""});
    for (const auto& step : way.steps) put_row(table, step, view.lang);
  }
  put_row(table, report.acknowledged, view.lang);
  const auto* failed = report.first_failed();
  const auto last =
      failed == nullptr
          ? std::string{message::link_all_well.in(view.lang)}
          : fmt::format(fmt::runtime(message::link_first_fault.in(view.lang)), failed->title);
  return table.text(view) + "\n" +
         painted(last, failed == nullptr ? Colour::good : Colour::bad, view) + "\n";
}

}  // namespace kw::agent::ctl
