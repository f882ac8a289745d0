#include "agent/debounce/worst.hpp"

#include <algorithm>

namespace kw::agent {
namespace {

// Each rank orders what health is derived from: what makes a fault above what makes a warning. An
// unknown device is lowest, since health tells of nothing else while the device is unknown.
int rank(wire::DeviceState state) {
  switch (state) {
    case wire::DeviceState::fraud_attempt:
      return 8;
    case wire::DeviceState::hardware_error:
      return 7;
    case wire::DeviceState::user_error:
      return 6;
    case wire::DeviceState::no_device:
      return 5;
    case wire::DeviceState::offline:
      return 4;
    case wire::DeviceState::power_off:
      return 3;
    case wire::DeviceState::potential_fraud:
      return 2;
    case wire::DeviceState::online:
    case wire::DeviceState::device_busy:
      return 1;
    case wire::DeviceState::unknown:
    case wire::DeviceState::starting:
      break;
  }
  return 0;
}

int rank(const wire::Component& component) {
  switch (component.state) {
    case wire::ComponentState::tampered:
      return 4;
    case wire::ComponentState::inoperable:
      return 3;
    case wire::ComponentState::fading:
      return 2;
    case wire::ComponentState::open:
      return 1;
    default:
      return 0;
  }
}

int rank(const wire::Consumable& consumable) {
  const bool bin = consumable.direction == wire::Direction::bin;
  switch (consumable.state) {
    case wire::ConsumableState::missing:
      return bin ? 4 : 0;
    case wire::ConsumableState::jammed:
      return bin ? 0 : 4;
    case wire::ConsumableState::full:
      return bin ? 3 : 0;
    case wire::ConsumableState::out:
      return bin ? 0 : 3;
    case wire::ConsumableState::inoperative:
      return 2;
    case wire::ConsumableState::low:
    case wire::ConsumableState::high:
      return 1;
    default:
      return 0;
  }
}

int rank(const wire::Condition& condition) {
  return condition.severity == wire::Severity::fault ? 1 : 0;
}

/// Into `held` whatever of `seen` is new or ranks higher than what has the same key.
template <class T, class Same>
void take_worse(std::vector<T>& held, const std::vector<T>& seen, Same same) {
  for (const auto& item : seen) {
    const auto it = std::ranges::find_if(held, [&](const T& old) { return same(old, item); });
    if (it == held.end()) {
      held.push_back(item);
    } else if (rank(item) > rank(*it)) {
      *it = item;
    }
  }
}

}  // namespace

wire::Status worst(wire::Status held, const wire::Status& seen) {
  if (rank(seen.device) > rank(held.device)) {
    held.device = seen.device;
    held.evidence = seen.evidence;
  }
  if (seen.media == wire::Media::jammed) held.media = seen.media;
  take_worse(held.components, seen.components,
             [](const auto& a, const auto& b) { return a.name == b.name; });
  take_worse(held.consumables, seen.consumables, [](const auto& a, const auto& b) {
    return a.type == b.type && a.direction == b.direction;
  });
  take_worse(held.conditions, seen.conditions,
             [](const auto& a, const auto& b) { return a.code == b.code; });
  if (seen.identity != wire::Identity{}) held.identity = seen.identity;
  return held;
}

}  // namespace kw::agent
