#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/i18n.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::wire {

enum class EventClass : std::uint8_t {
  state,
  consumable,
  inventory,
  power,
  sample,
  business,
  click,
  session,
  audit,
  command_result,
  agent,
  gap,
};

/// How one class of events is treated along the whole path (data path, section 2).
struct EventClassRow {
  EventClass event_class;
  std::string_view name;
  bool judged;     ///< may open or clear a fault
  bool rolled_up;  ///< counts in a statistic
  int drop_rank;   ///< dropped in ascending order when the outbox is full; 9: with the last reserve
  bool thinned;    ///< every other one first (1 of 2, 4, 8 …) before all of them
  bool uncounted;  ///< its frames need no credit
  Text text;       ///< what people call it
};

std::span<const EventClassRow> event_classes();
const EventClassRow& row(EventClass event_class);

/// The class of an event's body; `agent` for a body this version does not know.
EventClass class_of(const pb::Event& event);

}  // namespace kw::wire
