#include "common/wire/event_classes.hpp"

#include <array>
#include <cstddef>

namespace kw::wire {
namespace {

using enum EventClass;

constexpr std::array rows{
    //             class           name              judged rolled rank thinned uncounted
    EventClassRow{state, "state", true, true, 4, false, true},
    EventClassRow{consumable, "consumable", true, true, 3, false, false},
    EventClassRow{inventory, "inventory", false, false, 2, false, false},
    EventClassRow{power, "power", true, true, 4, false, false},
    EventClassRow{sample, "sample", false, true, 0, true, false},
    EventClassRow{business, "business", false, true, 3, false, false},
    EventClassRow{click, "click", false, true, 1, false, false},
    EventClassRow{session, "session", false, true, 3, false, false},
    EventClassRow{audit, "audit", false, false, 9, false, true},
    EventClassRow{command_result, "command_result", false, false, 3, false, false},
    EventClassRow{agent, "agent", false, false, 3, false, false},
    EventClassRow{gap, "gap", false, true, 9, false, true},
};

}  // namespace

std::span<const EventClassRow> event_classes() { return rows; }

const EventClassRow& row(EventClass event_class) {
  return rows[static_cast<std::size_t>(event_class)];
}

EventClass class_of(const pb::Event& event) {
  switch (event.body_case()) {
    case pb::Event::kState:
      return state;
    case pb::Event::kPower:
      return power;
    case pb::Event::kSample:
      return sample;
    case pb::Event::kCommandResult:
      return command_result;
    case pb::Event::kRefill:
      return consumable;
    default:
      return agent;
  }
}

}  // namespace kw::wire
