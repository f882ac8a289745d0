#include "collector/orders/transitions.hpp"

#include <algorithm>
#include <array>

namespace kw::collector {
namespace {

using enum OrderState;
using A = OrderAction;

// Self-recovery ends an order before anybody set out; after that a person finishes what was begun.
constexpr std::array rows{
    //         from        action                 to              person system
    Transition{raised, A::dispatch, dispatched, true, true},
    Transition{raised, A::cancel, cancelled, true, false},
    Transition{raised, A::recover, self_recovered, false, true},
    Transition{dispatched, A::accept, accepted, true, false},
    Transition{dispatched, A::send_back, returned, true, false},
    Transition{dispatched, A::cancel, cancelled, true, false},
    Transition{dispatched, A::recover, self_recovered, false, true},
    Transition{returned, A::dispatch, dispatched, true, true},
    Transition{returned, A::recover, self_recovered, false, true},
    Transition{accepted, A::appoint, appointment, true, false},
    Transition{accepted, A::depart, en_route, true, false},
    Transition{accepted, A::resolve, resolved, true, false},
    Transition{accepted, A::send_back, returned, true, false},
    Transition{accepted, A::cancel, cancelled, true, false},
    Transition{accepted, A::recover, self_recovered, false, true},
    Transition{appointment, A::depart, en_route, true, false},
    Transition{appointment, A::cancel, cancelled, true, false},
    Transition{appointment, A::recover, self_recovered, false, true},
    Transition{en_route, A::arrive, on_site, true, false},
    Transition{on_site, A::resolve, resolved, true, false},
    Transition{resolved, A::confirm, confirmed, true, false},
    Transition{resolved, A::waive_confirmation, confirmed, true, false},
    Transition{confirmed, A::close, closed, true, false},
};

}  // namespace

std::span<const Transition> transitions() { return rows; }

Result<OrderState> step(OrderState from, OrderAction action, Role role) {
  std::string possible;
  for (const auto& row : rows) {
    if (row.from != from) continue;
    const bool allowed = role == Role::system ? row.by_system : row.by_person;
    if (!allowed) continue;
    if (row.action == action) return row.to;
    possible += (possible.empty() ? "" : ", ") + std::string{name(row.action)};
  }
  return Error{Errc::refused, "an order that is " + std::string{name(from)} + " cannot take " +
                                  std::string{name(action)} +
                                  "; possible: " + (possible.empty() ? "nothing" : possible)};
}

bool ended(OrderState state) {
  return std::ranges::none_of(rows, [&](const Transition& t) { return t.from == state; });
}

}  // namespace kw::collector
