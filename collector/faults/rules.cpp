#include "collector/faults/rules.hpp"

#include <algorithm>
#include <cmath>

namespace kw::collector {
namespace {

constexpr double day_s = 86'400;

Duration seconds(double s) { return Duration{std::llround(s * 1e6)}; }

}  // namespace

Rules Rules::read(const config::Document& document, std::vector<config::Problem>& problems) {
  Rules out;
  config::Reader root{document, problems};
  auto defaults = root.section("defaults");
  const double hold = defaults.number("hold_s", -1, 0, day_s);
  const double clear = defaults.number("clear_s", -1, 0, day_s);
  const double silence = defaults.number("silence_s", -1, 1, day_s);
  defaults.done();
  out.overrides_hold_ = hold >= 0;
  out.overrides_clear_ = clear >= 0;
  out.overrides_silence_ = silence >= 0;
  if (silence >= 0) out.silence_ = seconds(silence);
  out.fallback_.hold = seconds(std::max(hold, 0.0));
  out.fallback_.clear = seconds(std::max(clear, 0.0));
  for (auto& row : root.sections("rule")) {
    Row rule;
    rule.code = row.required_text("code");
    rule.driver = row.text("driver", "");
    rule.opens = row.boolean("opens", true);
    rule.orders = row.boolean("orders", true);
    const auto level = row.text("level", "general");
    if (level != "general" && level != "severe") row.object("level", "\"general\" or \"severe\"");
    rule.level = level == "severe" ? Level::severe : Level::general;
    const double own_hold = row.number("hold_s", -1, 0, day_s);
    const double own_clear = row.number("clear_s", -1, 0, day_s);
    rule.own_hold = own_hold >= 0;
    rule.own_clear = own_clear >= 0;
    rule.hold = rule.own_hold ? seconds(own_hold) : out.fallback_.hold;
    rule.clear = rule.own_clear ? seconds(own_clear) : out.fallback_.clear;
    row.done();
    out.rows_.push_back(std::move(rule));
  }
  root.done();
  out.warning_ = out.fallback_;
  out.warning_.opens = false;
  return out;
}

void Rules::overlay(const Rules& over) {
  const auto put = [&](Rule& rule) {
    if (over.overrides_hold_) rule.hold = over.fallback_.hold;
    if (over.overrides_clear_) rule.clear = over.fallback_.clear;
  };
  put(fallback_);
  put(warning_);
  for (auto& rule : rows_) put(rule);
  if (over.overrides_silence_) silence_ = over.silence_;
  for (auto rule : over.rows_) {
    const Row* before = find(rule.driver, rule.code);
    const Rule& base = before != nullptr ? static_cast<const Rule&>(*before) : fallback_;
    if (!rule.own_hold) rule.hold = base.hold;
    if (!rule.own_clear) rule.clear = base.clear;
    const auto same = [&](const Row& r) { return r.code == rule.code && r.driver == rule.driver; };
    std::erase_if(rows_, same);
    rows_.push_back(std::move(rule));
  }
}

const Rules::Row* Rules::find(std::string_view driver, std::string_view code) const {
  const Row* found = nullptr;
  for (const auto& rule : rows_) {
    if (rule.code != code) continue;
    if (rule.driver == driver) return &rule;
    if (rule.driver.empty()) found = &rule;
  }
  return found;
}

Result<Rules> Rules::load(const std::filesystem::path& file) {
  std::vector<config::Problem> problems;
  auto shipped = config::parse(shipped_rules(), "rules.toml (shipped)", problems);
  if (!shipped) return std::move(shipped).error();
  Rules rules = read(*shipped, problems);
  auto own = config::load(file, problems);
  if (own) {
    rules.overlay(read(*own, problems));
  } else if (own.error().code() != Errc::missing) {
    return std::move(own).error();
  }
  if (problems.empty()) return rules;
  std::string all;
  for (const auto& p : problems) all += (all.empty() ? "" : "\n") + p.in(Lang::en);
  return Error{Errc::invalid, all};
}

const Rule& Rules::of(std::string_view driver, std::string_view code,
                      wire::Severity severity) const {
  const Row* found = find(driver, code);
  if (found != nullptr) return *found;
  return severity == wire::Severity::fault ? fallback_ : warning_;
}

const Rule& Rules::of(std::string_view driver, const wire::Condition& condition) const {
  return of(driver, condition.code, condition.severity);
}

}  // namespace kw::collector
