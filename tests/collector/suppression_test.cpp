// What holds a fault's order back, and what lets it go.
#include <doctest/doctest.h>

#include "collector/faults/judge.hpp"
#include "tests/collector/judge_scene.hpp"

using namespace kw;
using namespace kw::collector;
using namespace kw::judge_test;

namespace {

Changes judged(Scene& scene, int second, const std::function<void(Judge&)>& what) {
  const auto bench = scene.bench(at(second));
  Changes out;
  Judge judge{scene.view, bench, out};
  what(judge);
  return out;
}

Maintenance maintenance(int since, std::optional<int> until = std::nullopt) {
  Maintenance out{at(since), "new paper feed", "anna", std::nullopt};
  if (until) out.until = at(*until);
  return out;
}

Changes begin(Scene& scene, int second, std::optional<int> until = std::nullopt) {
  return judged(scene, second,
                [&](Judge& judge) { judge.begin_maintenance(maintenance(second, until)); });
}
Changes end(Scene& scene, int second) {
  return judged(scene, second, [](Judge& judge) { judge.end_maintenance(); });
}
Changes disconnect(Scene& scene, int second) {
  return judged(scene, second, [&](Judge& judge) { judge.disconnected(at(second)); });
}
Changes silent(Scene& scene, int second) {
  return judged(scene, second, [](Judge& judge) { judge.silent(); });
}
/// Its session and then its full snapshot, whose statuses `told` judges.
Changes back(Scene& scene, int second, const std::function<Changes()>& told) {
  Changes out = judged(scene, second, [](Judge& judge) { judge.connected(1); });
  for (auto& change : told()) out.push_back(std::move(change));
  for (auto& change : judged(scene, second, [](Judge& judge) { judge.release(); })) {
    out.push_back(std::move(change));
  }
  return out;
}

std::vector<std::string> orders(const Changes& changes) {
  std::vector<std::string> out;
  for (const auto& opened : only<OrderOpened>(changes)) out.push_back(opened.order.code);
  return out;
}

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("whatever holds a fault back, the fault itself opens, is counted and says by what") {
  struct Line {
    const char* what;
    std::function<void(Scene&)> before;
    std::string by;
  };
  const std::vector<Line> lines{
      {"nothing", [](Scene&) {}, ""},
      {"silence held", [](Scene& s) { disconnect(s, 0); }, "terminal-silent"},
      {"silence a fault",
       [](Scene& s) {
         disconnect(s, 0);
         silent(s, 120);
       },
       "terminal-silent"},
      {"maintenance", [](Scene& s) { begin(s, 0); }, "maintenance"},
      {"both",
       [](Scene& s) {
         disconnect(s, 0);
         begin(s, 0);
       },
       "maintenance"},
  };
  for (const auto& line : lines) {
    CAPTURE(line.what);
    Scene scene{rules(at_once)};
    line.before(scene);
    const auto changes = scene.state(1, 130, {{"media-empty", 0}});
    const auto opened = only<FaultOpened>(changes);
    REQUIRE(opened.size() == 1);
    CHECK(opened[0].fault.suppressed_by == line.by);
    CHECK(only<FaultCounted>(changes).size() == 1);
    CHECK(only<OrderOpened>(changes).empty() == !line.by.empty());
    CHECK(opened[0].fault.order_id.empty() == !line.by.empty());
  }
}

TEST_CASE(
    "a silent terminal raises one order, its own; what still stands when it is back its own") {
  Scene scene{rules(at_once)};
  disconnect(scene, 0);
  CHECK(orders(silent(scene, 120)) == Codes{"terminal-silent"});
  CHECK(orders(scene.state(1, 125, {{"media-empty", 1}, {"cover-open", 1}})).empty());
  const auto changes = back(scene, 200, [&] { return scene.state(2, 201, {{"media-empty", 1}}); });
  CHECK(orders(changes) == Codes{"media-empty"});
  const auto ordered = only<FaultOrdered>(changes);
  REQUIRE(ordered.size() == 1);
  CHECK(ordered[0].suppressed_by.empty());
  CHECK(ordered[0].order_id == only<OrderOpened>(changes)[0].order.id);
  CHECK(only<OrderOpened>(changes)[0].order.needs == wire::Action::clear);
  // Once.
  CHECK(orders(scene.state(3, 202, {{"media-empty", 1}})).empty());
}

TEST_CASE("a fault that was held back and is over when the terminal is back never has an order") {
  Scene scene{rules(at_once)};
  disconnect(scene, 0);
  scene.state(1, 10, {{"media-empty", 1}});
  const auto changes = back(scene, 60, [&] { return scene.state(2, 60, {}); });
  CHECK(orders(changes).empty());
  CHECK(only<FaultCleared>(changes).size() == 1);
}

TEST_CASE("a device that says nothing certain after the silence keeps its fault, with its order") {
  Scene scene{rules(at_once)};
  disconnect(scene, 0);
  scene.state(1, 10, {{"media-empty", 1}});
  const auto changes =
      back(scene, 60, [&] { return scene.state(2, 60, {}, wire::DeviceState::unknown); });
  CHECK(orders(changes) == Codes{"media-empty"});
}

TEST_CASE("the end of a maintenance raises at once what stands, hold counted from its beginning") {
  Scene scene{rules(held)};
  begin(scene, 0);
  scene.state(1, 5, {{"media-empty", 0}});
  const auto fired = scene.fire(15);
  REQUIRE(only<FaultOpened>(fired).size() == 1);
  CHECK(only<FaultOpened>(fired)[0].fault.opened_at == at(15));
  CHECK(orders(fired).empty());
  scene.state(2, 20, {{"media-empty", 1}, {"cover-open", 0}});
  const auto changes = end(scene, 25);
  CHECK(orders(changes) == Codes{"media-empty"});
  // Its hold began during the maintenance and ends after it.
  CHECK(orders(scene.fire(29)).empty());
  CHECK(orders(scene.fire(30)) == Codes{"cover-open"});
}

TEST_CASE("a maintenance leaves orders that are open alone and faults end as ever") {
  Scene scene{rules(at_once)};
  scene.state(1, 1, {{"media-empty", 1}});
  CHECK(only<OrderMoved>(begin(scene, 2)).empty());
  const auto healed = scene.state(2, 3, {});
  CHECK(only<FaultCleared>(healed).size() == 1);
  REQUIRE(only<OrderMoved>(healed).size() == 1);
  CHECK(only<OrderMoved>(healed)[0].step.to == OrderState::self_recovered);
  CHECK(orders(end(scene, 4)).empty());
}

TEST_CASE("silence during a maintenance waits too, and holds the devices back when that is over") {
  Scene scene{rules(at_once)};
  begin(scene, 0);
  scene.state(1, 1, {{"media-empty", 1}});
  disconnect(scene, 2);
  CHECK(orders(silent(scene, 122)).empty());
  const auto changes = end(scene, 130);
  CHECK(orders(changes) == Codes{"terminal-silent"});
  const auto ordered = only<FaultOrdered>(changes);
  REQUIRE(ordered.size() == 2);
  for (const auto& one : ordered) {
    const bool of_silence = !one.order_id.empty();
    CHECK(one.suppressed_by == (of_silence ? "" : "terminal-silent"));
  }
  CHECK(orders(back(scene, 140, [&] { return scene.state(2, 140, {{"media-empty", 1}}); })) ==
        Codes{"media-empty"});
}

TEST_CASE(
    "what has stopped and is only not yet taken for over gets no order by the maintenance's end") {
  Scene scene{rules(held)};
  begin(scene, 0);
  scene.state(1, 1, {{"media-empty", 1}});
  scene.fire(20);
  scene.state(2, 21, {});
  CHECK(orders(end(scene, 22)).empty());
  SUBCASE("it stays away: no order ever") {
    CHECK(orders(scene.fire(100)).empty());
    CHECK(scene.view.open_fault("receipt", "media-empty") == nullptr);
  }
  SUBCASE("it comes back in time: the same fault, now with its order") {
    CHECK(orders(scene.state(3, 24, {{"media-empty", 3}})) == Codes{"media-empty"});
  }
}

TEST_CASE("a rule without orders makes none when nothing holds it back any more") {
  Scene scene{rules("[defaults]\nhold_s = 0\n[[rule]]\ncode = \"media-low\"\norders = false\n")};
  begin(scene, 0);
  const auto opened = only<FaultOpened>(scene.state(1, 1, {{"media-low", 0}}));
  REQUIRE(opened.size() == 1);
  CHECK(opened[0].fault.suppressed_by.empty());
  CHECK(orders(end(scene, 2)).empty());
}

TEST_CASE("history during a maintenance stays history") {
  Scene scene{rules(at_once)};
  scene.state(10, 10, {});
  begin(scene, 11);
  const auto late = scene.state(3, 3, {{"media-empty", 3}});
  REQUIRE(only<FaultOpened>(late).size() == 1);
  CHECK(only<FaultOpened>(late)[0].fault.suppressed_by.empty());
  CHECK(orders(end(scene, 12)).empty());
}

TEST_CASE("a maintenance has a timer while it ends by itself, and none when it does not") {
  Scene scene{rules(at_once)};
  const auto timers = [&] {
    return std::ranges::count(scene.view.timers, TimerKind::maintenance, &Timer::kind);
  };
  begin(scene, 0, 100);
  CHECK(timers() == 1);
  CHECK(orders(scene.fire(200)).empty());  // not a device's: events do not fire it
  CHECK(timers() == 1);
  begin(scene, 1);
  CHECK(timers() == 0);
  begin(scene, 2, 50);
  end(scene, 3);
  CHECK(timers() == 0);
  CHECK_FALSE(scene.view.maintenance);
  CHECK(only<MaintenanceChanged>(end(scene, 4)).empty());
}
