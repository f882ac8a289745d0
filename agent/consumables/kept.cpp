#include "agent/consumables/kept.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace kw::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t unit_limit = 16;

void put(json::object& out, std::string_view key, const std::optional<double>& value) {
  if (value) out[key] = *value;
}

void put(json::object& out, std::string_view key, const std::optional<WallTime>& value) {
  if (value) out[key] = micros(*value);
}

std::optional<double> number(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto out = value->to_number<double>();
  return std::isfinite(out) && out >= 0 ? std::optional{out} : std::nullopt;
}

std::int64_t integer(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

std::optional<WallTime> time(const json::object& from, std::string_view key) {
  const auto us = integer(from, key);
  return us > 0 ? std::optional{wall_from(us)} : std::nullopt;
}

bool boolean(const json::object& from, std::string_view key) {
  const auto* value = from.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

template <class E>
E one_of(const json::object& from, std::string_view key, E last) {
  const auto value = integer(from, key);
  return value >= 0 && value <= static_cast<std::int64_t>(last) ? static_cast<E>(value) : E{};
}

}  // namespace

std::string kept_text(const AccountState& s) {
  json::object out;
  out["unit"] = s.unit;
  put(out, "level", s.level);
  out["source"] = static_cast<std::int64_t>(s.source);
  put(out, "measured", s.measured);
  put(out, "told", s.told);
  put(out, "learned", s.learned);
  put(out, "learned_before", s.learned_before);
  out["used"] = s.used;
  out["whole"] = s.whole;
  put(out, "refilled", s.refilled);
  out["pending"] = s.pending;
  put(out, "counting", s.counting);
  json::array days;
  for (const auto& day : s.days) days.push_back(json::array{day.day, day.used});
  out["days"] = std::move(days);
  out["flag"] = static_cast<std::int64_t>(s.flag);
  out["opened"] = s.opened;
  put(out, "before_out", s.before_out);
  out["low"] = s.low;
  return json::serialize(out);
}

std::optional<AccountState> kept_state(std::string_view text) {
  json::error_code wrong;
  const auto parsed = json::parse(json::string_view{text.data(), text.size()}, wrong);
  if (wrong || !parsed.is_object()) return std::nullopt;
  const auto& from = parsed.get_object();
  AccountState s;
  if (const auto* unit = from.if_contains("unit"); unit != nullptr && unit->is_string()) {
    s.unit = std::string_view{unit->get_string()}.substr(0, unit_limit);
  }
  s.level = number(from, "level");
  s.source = one_of(from, "source", wire::LevelSource::technician);
  s.measured = number(from, "measured");
  s.told = number(from, "told");
  s.learned = number(from, "learned");
  s.learned_before = number(from, "learned_before");
  s.used = number(from, "used").value_or(0);
  s.whole = boolean(from, "whole");
  s.refilled = time(from, "refilled");
  s.pending = boolean(from, "pending") && s.refilled;
  s.counting = time(from, "counting");
  if (const auto* days = from.if_contains("days"); days != nullptr && days->is_array()) {
    for (const auto& day : days->get_array()) {
      if (s.days.size() == Account::days_kept) break;
      if (!day.is_array() || day.get_array().size() != 2) continue;
      const auto& pair = day.get_array();
      if (!pair[0].is_int64() || !pair[1].is_number()) continue;
      const auto used = pair[1].to_number<double>();
      if (std::isfinite(used) && used >= 0) s.days.push_back({pair[0].get_int64(), used});
    }
    std::ranges::sort(s.days, {}, &AccountState::Day::day);
  }
  s.flag = one_of(from, "flag", SupplyFlag::out);
  s.opened = boolean(from, "opened");
  s.before_out = number(from, "before_out");
  s.low = boolean(from, "low");
  return s;
}

}  // namespace kw::agent
