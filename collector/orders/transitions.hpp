#pragma once

#include <optional>
#include <span>
#include <string>

#include "collector/model/values.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// Who may take a step. Roles proper come with accounts; `system` is the collector itself.
enum class Role : std::uint8_t { system, administrator };

/// One legal step of an order (clause 7.4). What is not in the table cannot happen.
struct Transition {
  OrderState from;
  OrderAction action;
  OrderState to;
  bool by_person;  ///< an administrator may take it
  bool by_system;  ///< the collector takes it by itself
};

std::span<const Transition> transitions();

/// Where `action` leads from `from`. Errc::refused names the state and what is possible instead.
Result<OrderState> step(OrderState from, OrderAction action, Role role);

/// No further step is possible.
bool ended(OrderState state);

}  // namespace kw::collector
