#include "common/wire/event_classes.hpp"

#include <array>
#include <cstddef>

namespace kw::wire {
namespace {

using enum EventClass;

constexpr std::array rows{
    //            class, name, judged, rolled up, drop rank, thinned, uncounted, text
    EventClassRow{state, "state", true, true, 4, false, true, {"设备状态", "device state"}},
    EventClassRow{consumable, "consumable", true, true, 3, false, false, {"耗材", "consumables"}},
    EventClassRow{inventory, "inventory", false, false, 2, false, false, {"清单", "inventory"}},
    EventClassRow{power, "power", true, true, 4, false, false, {"开关机", "power"}},
    EventClassRow{sample, "sample", false, true, 0, true, false, {"测量", "measurements"}},
    EventClassRow{business, "business", false, true, 3, false, false, {"业务量", "business"}},
    EventClassRow{click, "click", false, true, 1, false, false, {"点击量", "clicks"}},
    EventClassRow{session, "session", false, true, 3, false, false, {"服务人次", "sessions"}},
    EventClassRow{audit, "audit", false, false, 9, false, true, {"审计", "audit"}},
    EventClassRow{command_result,
                  "command_result",
                  false,
                  false,
                  3,
                  false,
                  false,
                  {"命令结果", "results of commands"}},
    EventClassRow{agent, "agent", false, false, 3, false, false, {"代理", "agent"}},
    EventClassRow{gap, "gap", false, true, 9, false, true, {"缺失", "missing"}},
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
    case pb::Event::kSession:
      return session;
    case pb::Event::kTransaction:
      return business;
    case pb::Event::kClicks:
      return click;
    case pb::Event::kConsumableUse:
    case pb::Event::kRefill:
      return consumable;
    default:
      return agent;
  }
}

}  // namespace kw::wire
