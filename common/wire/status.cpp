#include "common/wire/status.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace kw::wire {
namespace {

template <std::size_t N, class E>
std::string_view at(const std::array<std::string_view, N>& names, E value) {
  const auto i = static_cast<std::size_t>(value);
  return i < N ? names[i] : std::string_view{"unknown"};
}

bool is_fault(const Status& s) {
  switch (s.device) {
    case DeviceState::no_device:
    case DeviceState::offline:
    case DeviceState::power_off:
    case DeviceState::hardware_error:
    case DeviceState::user_error:
    case DeviceState::fraud_attempt:
      return true;
    default:
      break;
  }
  if (s.media == Media::jammed) return true;
  const auto bad_supply = [](const Consumable& c) {
    if (!c.enabled) return false;
    if (c.direction == Direction::supply) {
      return c.state == ConsumableState::out || c.state == ConsumableState::jammed;
    }
    return c.state == ConsumableState::full || c.state == ConsumableState::missing;
  };
  const auto bad_component = [](const Component& c) {
    return c.essential &&
           (c.state == ComponentState::inoperable || c.state == ComponentState::tampered);
  };
  const auto bad_condition = [](const Condition& c) { return c.severity == Severity::fault; };
  return std::ranges::any_of(s.consumables, bad_supply) ||
         std::ranges::any_of(s.components, bad_component) ||
         std::ranges::any_of(s.conditions, bad_condition);
}

bool is_warning(const Status& s) {
  if (s.device == DeviceState::potential_fraud || !s.conditions.empty()) return true;
  const auto low = [](const Consumable& c) {
    return c.enabled && (c.state == ConsumableState::low || c.state == ConsumableState::high ||
                         c.state == ConsumableState::inoperative);
  };
  const auto bad = [](const Component& c) {
    return c.state == ComponentState::inoperable || c.state == ComponentState::fading;
  };
  return std::ranges::any_of(s.consumables, low) || std::ranges::any_of(s.components, bad);
}

std::optional<long> whole(const std::optional<double>& level) {
  if (!level) return std::nullopt;
  return std::lround(*level);
}

bool same_level(const Consumable& a, const Consumable& b) {
  return a.type == b.type && a.direction == b.direction && a.state == b.state &&
         a.source == b.source && a.enabled == b.enabled && whole(a.percent) == whole(b.percent) &&
         whole(a.available) == whole(b.available) && whole(a.days_left) == whole(b.days_left) &&
         a.refilled == b.refilled;
}

}  // namespace

std::string_view name(DeviceState v) {
  static constexpr std::array<std::string_view, 11> names{
      "unknown",       "starting",  "online",     "offline",      "powerOff",      "noDevice",
      "hardwareError", "userError", "deviceBusy", "fraudAttempt", "potentialFraud"};
  return at(names, v);
}

std::string_view name(Media v) {
  static constexpr std::array<std::string_view, 8> names{"notSupported", "unknown",  "present",
                                                         "notPresent",   "jammed",   "entering",
                                                         "latched",      "retracted"};
  return at(names, v);
}

std::string_view name(ComponentState v) {
  static constexpr std::array<std::string_view, 10> names{
      "unknown", "ok", "inoperable", "open", "closed", "locked", "tampered", "on", "off", "fading"};
  return at(names, v);
}

std::string_view name(ConsumableState v) {
  static constexpr std::array<std::string_view, 9> names{
      "unknown", "full", "low", "out", "jammed", "ok", "high", "missing", "inoperative"};
  return at(names, v);
}

std::string_view name(Direction v) { return v == Direction::bin ? "bin" : "supply"; }

std::string_view name(LevelSource v) {
  static constexpr std::array<std::string_view, 5> names{"unknown", "measured", "flag", "counted",
                                                         "technician"};
  return at(names, v);
}

std::string_view name(Evidence v) {
  static constexpr std::array<std::string_view, 5> names{"none", "protocolReply", "presenceOnly",
                                                         "driverReport", "sharedBusy"};
  return at(names, v);
}

std::string_view name(Severity v) { return v == Severity::warning ? "warning" : "fault"; }

std::string_view name(Action v) {
  static constexpr std::array<std::string_view, 7> names{
      "none", "reset", "clear", "maintenance", "configuration", "softwareError", "suspend"};
  return at(names, v);
}

std::string_view name(Health v) {
  static constexpr std::array<std::string_view, 6> names{"ok",   "warning", "fault",
                                                         "busy", "unknown", "disabled"};
  return at(names, v);
}

bool same_state(const Status& a, const Status& b) {
  return a.device == b.device && a.media == b.media && a.evidence == b.evidence &&
         a.enabled == b.enabled && a.components == b.components && a.conditions == b.conditions &&
         std::ranges::equal(a.consumables, b.consumables, same_level);
}

Health health_of(const Status& s) {
  if (!s.enabled) return Health::disabled;
  if (s.device == DeviceState::unknown || s.device == DeviceState::starting) return Health::unknown;
  if (is_fault(s)) return Health::fault;
  if (is_warning(s)) return Health::warning;
  if (s.device == DeviceState::device_busy) return Health::busy;
  return Health::ok;
}

}  // namespace kw::wire
