#include "collector/faults/judge.hpp"

#include <doctest/doctest.h>

#include "collector/orders/desk.hpp"
#include "tests/collector/judge_scene.hpp"

using namespace kw;
using namespace kw::collector;
using namespace kw::judge_test;
using namespace std::chrono_literals;

TEST_CASE("a condition without hold opens a fault and its order is dispatched at once") {
  Scene scene{rules(at_once)};
  const auto changes = scene.state(1, 1, {{"media-empty", 0}});
  const auto opened = only<FaultOpened>(changes);
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].fault.code == "media-empty");
  CHECK(opened[0].fault.opened_at == at(1));
  const auto orders = only<OrderOpened>(changes);
  REQUIRE(orders.size() == 1);
  CHECK(orders[0].order.fault_id == opened[0].fault.id);
  CHECK(orders[0].order.needs == wire::Action::clear);
  const auto moved = only<OrderMoved>(changes);
  REQUIRE(moved.size() == 1);
  CHECK(moved[0].step.to == OrderState::dispatched);
  CHECK(moved[0].assignee == loopback_administrator);
  CHECK(only<Audited>(changes).size() == 2);
  CHECK(only<FaultCounted>(changes).size() == 1);
}

TEST_CASE("the same condition again joins the open fault: one trouble, one order") {
  Scene scene{rules(at_once)};
  scene.state(1, 1, {{"media-empty", 0}});
  const auto again = scene.state(2, 2, {{"media-empty", 1}, {"cover-open", 0}});
  const auto opened = only<FaultOpened>(again);
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].fault.code == "cover-open");
}

TEST_CASE("a condition shorter than its hold is never a fault") {
  Scene scene{rules(held)};
  CHECK(only<FaultOpened>(scene.state(1, 1, {{"media-empty", 0}})).empty());
  CHECK(only<FaultOpened>(scene.state(2, 9, {})).empty());
  CHECK(only<FaultOpened>(scene.fire(100)).empty());
}

TEST_CASE("a condition that outlasts its hold is a fault from the moment the hold was over") {
  Scene scene{rules(held)};
  scene.state(1, 1, {{"media-empty", 0}});
  CHECK(only<FaultOpened>(scene.fire(10)).empty());
  const auto opened = only<FaultOpened>(scene.fire(60));
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].fault.opened_at == at(11));
}

TEST_CASE("a later event fires the timers that were due before it, in event time") {
  Scene scene{rules(held)};
  scene.state(1, 1, {{"media-empty", 0}});
  const auto changes = scene.state(2, 30, {});
  const auto opened = only<FaultOpened>(changes);
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].fault.opened_at == at(11));
  CHECK(only<FaultCleared>(changes).empty());
  const auto cleared = only<FaultCleared>(scene.fire(40));
  REQUIRE(cleared.size() == 1);
  CHECK(cleared[0].at == at(35));
}

TEST_CASE("what is over when it is learned of is a fault, and nobody is sent out for it") {
  Scene scene{rules(held)};
  scene.state(1, 1, {{"media-empty", 0}});
  const auto changes = scene.state(2, 30, {});
  const auto opened = only<FaultOpened>(changes);
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].fault.suppressed_by == "recovered");
  CHECK(only<OrderOpened>(changes).empty());
  CHECK(only<FaultCounted>(changes).size() == 1);
  SUBCASE("and it stays over") {
    const auto cleared = scene.fire(40);
    CHECK(only<FaultCleared>(cleared).size() == 1);
    CHECK(only<OrderOpened>(cleared).empty());
  }
  SUBCASE("and it comes back within its clear time") {
    CHECK(only<OrderOpened>(scene.state(3, 33, {{"media-empty", 0}})).size() == 1);
  }
}

TEST_CASE("another device's event makes no order for what the same batch ends") {
  Scene scene{rules(held)};
  scene.view.devices.push_back({.id = "reader", .driver = "escpos", .kind = "card_reader"});
  scene.state(1, 1, {{"media-empty", 1}});
  wire::Status ok;
  ok.device = wire::DeviceState::online;
  const auto resolve = [](const pb::Since& s) {
    return Since{s.epoch(), s.seq(), wall_from(s.wall_us())};
  };
  const auto b = scene.bench(at(60));
  const auto reader = wire::to_wire("reader", ok);
  const auto healed = wire::to_wire("receipt", ok);
  Changes out;
  Judge judge{scene.view, b, out};
  SUBCASE("told as one") {
    judge.foresee(reader, {1, 2}, {epoch, 2, at(30)}, resolve);
    judge.foresee(healed, {1, 3}, {epoch, 3, at(31)}, resolve);
    judge.status(reader, {1, 2}, {epoch, 2, at(30)}, resolve, false);
    judge.status(healed, {1, 3}, {epoch, 3, at(31)}, resolve, false);
    CHECK(only<FaultOpened>(out).size() == 1);
    CHECK(only<OrderOpened>(out).empty());
  }
  SUBCASE("one after the other") {
    judge.status(reader, {1, 2}, {epoch, 2, at(30)}, resolve, false);
    CHECK(only<OrderOpened>(out).size() == 1);
  }
}

TEST_CASE("a fault that comes back within its clear time never ended") {
  Scene scene{rules(held)};
  scene.state(1, 1, {{"media-empty", 1}});
  scene.fire(20);
  scene.state(2, 21, {});
  const auto back = scene.state(3, 23, {{"media-empty", 3}});
  CHECK(only<FaultCleared>(back).empty());
  CHECK(only<FaultCleared>(scene.fire(100)).empty());
  CHECK(scene.view.open_fault("receipt", "media-empty") != nullptr);
}

TEST_CASE("recovery ends an order that nobody set out for") {
  Scene scene{rules(at_once)};
  scene.state(1, 1, {{"media-empty", 0}});
  const auto changes = scene.state(2, 5, {});
  CHECK(only<FaultCleared>(changes).size() == 1);
  const auto moved = only<OrderMoved>(changes);
  REQUIRE(moved.size() == 1);
  CHECK(moved[0].step.to == OrderState::self_recovered);
}

TEST_CASE("recovery leaves an order alone once somebody is on the way") {
  Scene scene{rules(at_once)};
  scene.state(1, 1, {{"media-empty", 0}});
  scene.view.orders.front().state = OrderState::en_route;
  const auto changes = scene.state(2, 5, {});
  CHECK(only<FaultCleared>(changes).size() == 1);
  CHECK(only<OrderMoved>(changes).empty());
}

TEST_CASE("an unknown status neither opens nor clears anything") {
  Scene scene{rules(at_once)};
  scene.state(1, 1, {{"media-empty", 0}});
  const auto changes = scene.state(2, 5, {}, wire::DeviceState::unknown);
  CHECK(only<FaultCleared>(changes).empty());
  CHECK(scene.view.open_fault("receipt", "media-empty") != nullptr);
}

TEST_CASE("a condition that ended and began again between two looks is two faults") {
  Scene scene{rules(at_once)};
  scene.state(1, 1, {{"media-empty", 1}});
  const auto changes = scene.state(9, 9, {{"media-empty", 6}});
  const auto cleared = only<FaultCleared>(changes);
  const auto opened = only<FaultOpened>(changes);
  REQUIRE(cleared.size() == 1);
  REQUIRE(opened.size() == 1);
  CHECK(cleared[0].at == at(6));
  CHECK(opened[0].fault.since.seq == 6);
}

TEST_CASE("a warning is shown but is no fault unless a rule says so") {
  Scene plain{rules(at_once)};
  CHECK(only<FaultOpened>(plain.state(1, 1, {{"media-low", 0}})).empty());
  Scene ruled{rules("[defaults]\nhold_s = 0\n[[rule]]\ncode = \"media-low\"\norders = false\n")};
  const auto changes = ruled.state(1, 1, {{"media-low", 0}});
  CHECK(only<FaultOpened>(changes).size() == 1);
  CHECK(only<OrderOpened>(changes).empty());
}

TEST_CASE("an event behind the device's state is history: periods, never orders") {
  Scene scene{rules(at_once)};
  scene.state(10, 10, {});
  const auto late = scene.state(3, 3, {{"media-empty", 3}});
  const auto opened = only<FaultOpened>(late);
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].fault.learned_late);
  CHECK(only<OrderOpened>(late).empty());
  CHECK(scene.view.device("receipt")->conditions.empty());
  const auto healed = scene.state(4, 8, {});
  const auto cleared = only<FaultCleared>(healed);
  REQUIRE(cleared.size() == 1);
  CHECK(cleared[0].at == at(8));
  const auto counted = only<FaultCounted>(healed);
  REQUIRE(counted.size() == 1);
  CHECK(counted[0].late);
}

TEST_CASE("history of a fault that a snapshot opened meets the same row") {
  Scene scene{rules(at_once)};
  scene.state(10, 10, {{"media-empty", 3}});
  CHECK(only<FaultOpened>(scene.state(3, 3, {{"media-empty", 3}})).empty());
}

TEST_CASE("history shorter than the rule's hold leaves nothing") {
  Scene scene{rules(held)};
  scene.state(10, 100, {});
  scene.state(3, 3, {{"media-empty", 3}});
  const auto healed = scene.state(4, 6, {});
  CHECK(only<FaultForgotten>(healed).size() == 1);
  CHECK(only<FaultCounted>(healed).empty());
}

TEST_CASE("what has healed is not dispatched again when events are replayed after a restore") {
  Scene scene{rules(at_once)};
  scene.state(10, 10, {});
  scene.known = Fault{.id = "old", .code = "media-empty", .since = {epoch, 3, at(3)}};
  scene.known->cleared_at = at(5);
  const auto replayed = scene.state(3, 3, {{"media-empty", 3}});
  CHECK(only<OrderOpened>(replayed).empty());
  CHECK(only<FaultReopened>(replayed).empty());
}

TEST_CASE("a fault that was taken for over goes on with a new order when the device still has it") {
  Scene scene{rules(at_once)};
  scene.known =
      Fault{.id = "old", .subject = "receipt", .code = "media-empty", .since = {epoch, 3, at(3)}};
  scene.known->cleared_at = at(5);
  scene.known->cleared_why = "disabled";
  const auto changes = scene.state(20, 20, {{"media-empty", 3}});
  const auto reopened = only<FaultReopened>(changes);
  REQUIRE(reopened.size() == 1);
  CHECK(reopened[0].id == "old");
  CHECK(only<OrderOpened>(changes).size() == 1);
  CHECK(only<FaultCounted>(changes).empty());
  CHECK(scene.view.open_fault("receipt", "media-empty") != nullptr);
}

TEST_CASE(
    "a fault that opens again within five minutes is an order, but not one more in the "
    "statistics") {
  Scene scene{rules(at_once)};
  scene.last_cleared = at(0);
  const auto soon = scene.state(1, 299, {{"media-empty", 0}});
  CHECK(only<OrderOpened>(soon).size() == 1);
  CHECK(only<FaultCounted>(soon).empty());
  scene.state(2, 300, {});
  CHECK(only<FaultCounted>(scene.state(3, 301, {{"media-empty", 0}})).size() == 1);
}

TEST_CASE("a collector that stood still holds no silence against anybody until it has listened") {
  Scene scene{rules(at_once)};
  auto b = scene.bench(at(500));
  b.no_silence_before = at(620);
  Changes out;
  Judge{scene.view, b, out}.disconnected(at(0));
  REQUIRE(scene.view.timers.size() == 1);
  CHECK(scene.view.timers[0].due == at(620));
}

TEST_CASE("a snapshot is judged at the time at which the device became so") {
  Scene scene{rules(held)};
  scene.state(1, 1, {{"media-empty", 1}});
  // Healed at second 5, told an hour later: the hold of 10 s was never over.
  const auto b = scene.bench(at(3600));
  Changes out;
  wire::Status ok;
  ok.device = wire::DeviceState::online;
  const auto resolve = [](const pb::Since& s) {
    return Since{s.epoch(), s.seq(), wall_from(s.wall_us())};
  };
  Judge{scene.view, b, out}.status(wire::to_wire("receipt", ok), {1, 9}, {epoch, 9, at(5)}, resolve,
                                   true);
  CHECK(only<FaultOpened>(out).empty());
  CHECK(scene.view.timers.empty());
}

TEST_CASE("a device that left the configuration is retired and its faults end with that reason") {
  Scene scene{rules(at_once)};
  scene.state(1, 1, {{"media-empty", 0}});
  const auto b = scene.bench(at(5));
  Changes out;
  Judge{scene.view, b, out}.configured({}, {1, 2}, at(5));
  const auto cleared = only<FaultCleared>(out);
  REQUIRE(cleared.size() == 1);
  CHECK(cleared[0].why == "retired");
  CHECK(scene.view.device("receipt")->retired);
}

TEST_CASE(
    "a terminal that says nothing becomes one fault after the silence time, and heals on return") {
  Scene scene{rules(at_once)};
  const auto b = scene.bench(at(0));
  Changes out;
  Judge judge{scene.view, b, out};
  judge.connected(1);
  judge.disconnected(at(0));
  REQUIRE(scene.view.timers.size() == 1);
  CHECK(scene.view.timers[0].due == at(120));
  judge.silent();
  REQUIRE(scene.view.open_fault("", "terminal-silent") != nullptr);
  CHECK(only<OrderOpened>(out).size() == 1);
  out.clear();
  judge.connected(2);
  CHECK(only<FaultCleared>(out).size() == 1);
}

TEST_CASE("an announced shutdown is no silence; an old announcement counts for nothing") {
  Scene scene{rules(at_once)};
  const auto b = scene.bench(at(0));
  Changes out;
  Judge judge{scene.view, b, out};
  judge.connected(2);
  pb::Power power;
  power.set_kind(pb::Power::SHUTDOWN);
  judge.power(power, {1, 50}, at(0));
  CHECK_FALSE(scene.view.switched_off);
  judge.power(power, {2, 3}, at(0));
  CHECK(scene.view.switched_off);
  judge.disconnected(at(1));
  CHECK(scene.view.timers.empty());
}

TEST_CASE("a second agent of one identity is one fault until none was seen for the rule's time") {
  Scene scene{rules("[[rule]]\ncode = \"two-agents\"\nclear_s = 3600\n")};
  const auto told = [&](int second, const std::function<void(Judge&)>& what) {
    const auto b = scene.bench(at(second));
    Changes out;
    Judge judge{scene.view, b, out};
    what(judge);
    return out;
  };
  const auto seen = [](Judge& judge) { judge.second_agent(); };
  const auto left = [](Judge& judge) { judge.second_agent_left(); };
  const auto later = [](Judge& judge) { judge.fire_until(at(100'000)); };
  CHECK(told(0, left).empty());
  CHECK(only<OrderOpened>(told(1, seen)).size() == 1);
  CHECK(told(2, seen).empty());
  told(10, left);
  // Again within the hour: the same fault.
  CHECK(only<OrderOpened>(told(20, seen)).empty());
  CHECK(told(30, later).empty());
  // The live one's return alone proves nothing; an hour without a second one does.
  told(40, [](Judge& judge) { judge.connected(2); });
  const auto over = only<FaultCleared>(told(50, later));
  REQUIRE(over.size() == 1);
  CHECK(over[0].at == at(40 + 3600));
  CHECK(only<OrderOpened>(told(100'001, seen)).size() == 1);
}
