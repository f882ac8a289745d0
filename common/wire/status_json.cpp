#include "common/wire/status_json.hpp"

#include <cmath>
#include <cstdint>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace kw::wire {
namespace {

namespace json = boost::json;

json::value or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value or_null(const std::optional<double>& number) {
  return number ? number_json(*number) : json::value(nullptr);
}

}  // namespace

json::value number_json(double number) {
  constexpr double exact = 9'007'199'254'740'992;  // 2^53
  if (std::trunc(number) != number || std::abs(number) > exact) return number;
  return static_cast<std::int64_t>(number);
}

json::object to_json(const Status& s) {
  json::array components;
  for (const auto& c : s.components) {
    components.push_back(
        json::object{{"name", c.name}, {"state", name(c.state)}, {"essential", c.essential}});
  }
  json::array consumables;
  for (const auto& c : s.consumables) {
    consumables.push_back(json::object{
        {"type", c.type},
        {"direction", name(c.direction)},
        {"state", name(c.state)},
        {"available", or_null(c.available)},
        {"unit", or_null(c.unit)},
        {"capacity", or_null(c.capacity)},
        {"percent", or_null(c.percent)},
        {"warning_level", or_null(c.warning_level)},
        {"source", name(c.source)},
        {"enabled", c.enabled},
        {"use_per_day_7d", or_null(c.use_per_day_7d)},
        {"use_per_day_30d", or_null(c.use_per_day_30d)},
        {"days_left", or_null(c.days_left)},
        {"refilled_at", c.refilled ? json::value(rfc3339(*c.refilled)) : json::value(nullptr)}});
  }
  json::array conditions;
  for (const auto& c : s.conditions) {
    conditions.push_back(json::object{{"code", c.code},
                                      {"severity", name(c.severity)},
                                      {"action", name(c.action)},
                                      {"vendor_code", or_null(c.vendor_code)},
                                      {"detail", or_null(c.detail)}});
  }
  return {{"health", name(health_of(s))},
          {"device_state", name(s.device)},
          {"media", name(s.media)},
          {"enabled", s.enabled},
          {"components", std::move(components)},
          {"consumables", std::move(consumables)},
          {"conditions", std::move(conditions)},
          {"evidence", name(s.evidence)},
          {"identity", json::object{{"vendor", or_null(s.identity.vendor)},
                                    {"model", or_null(s.identity.model)},
                                    {"serial", or_null(s.identity.serial)},
                                    {"firmware", or_null(s.identity.firmware)}}}};
}

json::object measurements_json(const std::vector<Measurement>& measurements) {
  json::object out;
  for (const auto& m : measurements) out[m.name] = number_json(m.value);
  return out;
}

}  // namespace kw::wire
