#include "agent/ctl/check.hpp"

#include <algorithm>

#include <boost/json/value.hpp>

#include "agent/ctl/spans.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

struct Mark {
  const char* sign;
  Colour colour;
};
constexpr Mark marks[] = {
    {"✓", Colour::good}, {"!", Colour::warning}, {"✗", Colour::bad}, {"·", Colour::faint}};

}  // namespace

std::string_view name(Outcome outcome) {
  constexpr std::string_view names[] = {"ok", "warn", "fail", "skipped"};
  return names[static_cast<std::size_t>(outcome)];
}

const Check* first_failed(const std::vector<Check>& checks) {
  const auto it = std::ranges::find(checks, Outcome::fail, &Check::outcome);
  return it == checks.end() ? nullptr : &*it;
}

json::object to_json(const Check& check, std::string_view key) {
  json::object out;
  out[key] = check.id;
  out["state"] = name(check.outcome);
  out["took_ms"] = check.took.count() / 1'000;
  out["code"] = text_or_null(check.code);
  out["detail"] = check.detail;
  out["advice"] = text_or_null(check.advice);
  return out;
}

void put_row(Table& table, const Check& check, Lang lang) {
  const auto& mark = marks[static_cast<std::size_t>(check.outcome)];
  const auto shade = check.outcome == Outcome::skipped ? Colour::faint : Colour::plain;
  auto detail = check.detail;
  if (check.took >= std::chrono::milliseconds{1}) {
    detail.append(" (").append(span_text(check.took, lang)).append(")");
  }
  table.row({{mark.sign, mark.colour}, {check.title, shade}, {std::move(detail), shade}});
  if (!check.advice.empty()) table.row({"", "", {"→ " + check.advice, Colour::strong}});
}

}  // namespace kw::agent::ctl
