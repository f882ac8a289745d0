#include "collector/orders/desk.hpp"

#include <utility>

namespace kw::collector {
namespace {

Result<Changes> move(Order& order, OrderAction action, Role role, std::string_view actor,
                     std::string_view from, std::string_view note, WallTime now) {
  const auto to = step(order.state, action, role);
  if (!to) return to.error();
  const OrderState before = std::exchange(order.state, *to);
  if (action == OrderAction::dispatch) order.assignee = loopback_administrator;
  Changes out;
  out.push_back(OrderMoved{.step = {.order_id = order.id,
                                    .action = action,
                                    .from = before,
                                    .to = *to,
                                    .actor = std::string{actor},
                                    .note = std::string{note},
                                    .at = now},
                           .assignee = order.assignee});
  out.push_back(Audited{{.at = now,
                         .actor = std::string{actor},
                         .from = std::string{from},
                         .action = "order." + std::string{name(action)},
                         .object = "order/" + order.number,
                         .result = "ok",
                         .before = std::string{name(before)},
                         .after = std::string{name(*to)}}});
  return out;
}

}  // namespace

OrderNews open_order(TerminalView& view, const Fault& fault, wire::Action needs,
                     const Bench& bench) {
  Order order{.id = bench.new_id(),
              .number = bench.new_number(),
              .fault_id = fault.id,
              .terminal = view.terminal.key,
              .subject = fault.subject,
              .code = fault.code,
              .level = fault.level,
              .needs = needs,
              .created_at = bench.now};
  OrderNews news{order.id, {}};
  news.changes.push_back(OrderOpened{order});
  news.changes.push_back(Audited{{.at = bench.now,
                                  .actor = std::string{system_actor},
                                  .action = "order.raise",
                                  .object = "order/" + order.number,
                                  .result = "ok",
                                  .after = std::string{name(order.state)}}});
  auto dispatched =
      move(order, OrderAction::dispatch, Role::system, system_actor, {}, {}, bench.now);
  if (dispatched) {
    for (auto& change : *dispatched) news.changes.push_back(std::move(change));
  }
  view.orders.push_back(std::move(order));
  return news;
}

Changes recover_order(TerminalView& view, const Fault& fault, const Bench& bench) {
  Order* order = view.order(fault.order_id);
  if (order == nullptr) return {};
  auto moved = move(*order, OrderAction::recover, Role::system, system_actor, {}, fault.cleared_why,
                    bench.now);
  // Somebody has set out: a person finishes what was begun.
  if (!moved) return {};
  return std::move(*moved);
}

Result<Changes> act_on_order(Order& order, OrderAction action, std::string_view actor,
                             std::string_view from, std::string_view note, WallTime now) {
  return move(order, action, Role::administrator, actor, from, note, now);
}

}  // namespace kw::collector
