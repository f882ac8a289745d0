#pragma once

#include <string>

#include "collector/faults/judge.hpp"
#include "collector/model/view.hpp"
#include "collector/orders/transitions.hpp"

namespace kw::collector {

/// The actor of what nobody ordered.
inline constexpr std::string_view system_actor = "collector";
/// Who orders go to and who acts at the loopback address, until accounts come.
inline constexpr std::string_view loopback_administrator = "loopback-administrator";

struct OrderNews {
  std::string id;
  Changes changes;
};

/// 无感报障: the order of a fault that just opened, raised and dispatched.
OrderNews open_order(TerminalView& view, const Fault& fault, wire::Action needs,
                     const Bench& bench);

/// The fault is over: its order ends as self-recovered if nobody has set out yet.
Changes recover_order(TerminalView& view, const Fault& fault, const Bench& bench);

/// One step of a person. Errc::refused says what is possible instead.
Result<Changes> act_on_order(Order& order, OrderAction action, std::string_view actor,
                             std::string_view from, std::string_view note, WallTime now);

}  // namespace kw::collector
