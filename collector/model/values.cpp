#include "collector/model/values.hpp"

#include <algorithm>
#include <array>

namespace kw::collector {
namespace {

constexpr std::array<std::string_view, 13> order_states{
    "raised",    "dispatched", "accepted",       "appointment", "en_route", "on_site",  "resolved",
    "confirmed", "closed",     "self_recovered", "suspended",   "returned", "cancelled"};

constexpr std::array<std::string_view, 12> order_actions{
    "dispatch",           "accept", "appoint", "depart",    "arrive", "resolve", "confirm",
    "waive_confirmation", "close",  "recover", "send_back", "cancel"};

}  // namespace

std::string_view name(Level v) { return v == Level::severe ? "severe" : "general"; }

std::string_view name(TerminalState v) {
  static constexpr std::array<std::string_view, 5> names{"maintenance", "switched_off", "offline",
                                                         "fault", "online"};
  return names[static_cast<std::size_t>(v)];
}

std::string_view name(TimerKind v) {
  switch (v) {
    case TimerKind::hold:
      return "hold";
    case TimerKind::clear:
      return "clear";
    case TimerKind::silence:
      return "silence";
    case TimerKind::maintenance:
      return "maintenance";
    case TimerKind::command:
      return "command";
  }
  return "hold";
}

std::string_view name(OrderState v) { return order_states[static_cast<std::size_t>(v)]; }
std::string_view name(OrderAction v) { return order_actions[static_cast<std::size_t>(v)]; }

std::optional<OrderState> order_state_from(std::string_view text) {
  const auto it = std::ranges::find(order_states, text);
  if (it == order_states.end()) return std::nullopt;
  return static_cast<OrderState>(it - order_states.begin());
}

}  // namespace kw::collector
