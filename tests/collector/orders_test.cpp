#include <doctest/doctest.h>

#include "collector/orders/desk.hpp"

using namespace kw;
using namespace kw::collector;

TEST_CASE("the main job's steps lead from raised to closed") {
  OrderState state = OrderState::raised;
  const auto go = [&](OrderAction action, Role role) {
    const auto to = step(state, action, role);
    REQUIRE(to);
    state = *to;
  };
  go(OrderAction::dispatch, Role::system);
  go(OrderAction::accept, Role::administrator);
  go(OrderAction::resolve, Role::administrator);
  go(OrderAction::waive_confirmation, Role::administrator);
  go(OrderAction::close, Role::administrator);
  CHECK(state == OrderState::closed);
  CHECK(ended(state));
}

TEST_CASE("a step that the table does not hold is refused and says what is possible") {
  const auto to = step(OrderState::dispatched, OrderAction::resolve, Role::administrator);
  REQUIRE_FALSE(to);
  CHECK(to.error().code() == Errc::refused);
  CHECK(to.error().text().find("accept") != std::string::npos);
}

TEST_CASE("only the collector recovers an order, and never once somebody set out") {
  CHECK(step(OrderState::accepted, OrderAction::recover, Role::system));
  CHECK_FALSE(step(OrderState::accepted, OrderAction::recover, Role::administrator));
  for (const auto state : {OrderState::en_route, OrderState::on_site, OrderState::resolved}) {
    CHECK_FALSE(step(state, OrderAction::recover, Role::system));
  }
}

TEST_CASE("every state of the table can be reached from raised, and every step leaves its state") {
  std::vector<OrderState> reached{OrderState::raised};
  for (std::size_t i = 0; i < reached.size(); ++i) {
    for (const auto& row : transitions()) {
      if (row.from == reached[i] && std::ranges::find(reached, row.to) == reached.end()) {
        reached.push_back(row.to);
      }
    }
  }
  for (const auto& row : transitions()) {
    CHECK(row.from != row.to);
    CHECK(std::ranges::find(reached, row.from) != reached.end());
  }
}

TEST_CASE("a person's step is written with its audit entry") {
  Order order{.id = "o", .number = "20260101-000001", .state = OrderState::dispatched};
  const auto changes =
      act_on_order(order, OrderAction::accept, "anna", "127.0.0.1:5", "coming", wall_from(1));
  REQUIRE(changes);
  CHECK(order.state == OrderState::accepted);
  REQUIRE(changes->size() == 2);
  const auto& audit = std::get<Audited>((*changes)[1]).entry;
  CHECK(audit.actor == "anna");
  CHECK(audit.from == "127.0.0.1:5");
  CHECK(audit.action == "order.accept");
  CHECK(audit.before == "dispatched");
  CHECK(audit.after == "accepted");
}
