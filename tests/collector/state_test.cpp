// Terminal state as the store has it, by the collector's clock.
#include <doctest/doctest.h>

#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::collector;
using namespace std::chrono_literals;

namespace {

struct Shelf {
  Shelf() {
    auto opened = SqliteStore::open(folder / "c.db");
    REQUIRE(opened);
    store = std::move(*opened);
    auto reader = SqliteQueries::open(folder / "c.db", clock);
    REQUIRE(reader);
    queries = std::move(*reader);
    write([&] { terminal = store->make_terminal("K1", clock.wall()); });
  }

  void write(const std::function<void()>& what) { REQUIRE(store->transact(what)); }
  void session(bool open) {
    write([&] { store->set_session(terminal, open, clock.wall(), {}); });
  }
  void change(Change what) {
    write([&] { store->apply(terminal, {std::move(what)}); });
  }
  /// The same in the list, the one row and the figures: it is one function.
  TerminalState state() {
    const auto row = queries->terminal("K1");
    REQUIRE(row);
    const auto listed = queries->terminals({}, {.state = row->state, .text = {}});
    REQUIRE(listed);
    CHECK(listed->items.size() == 1);
    const auto figures = queries->figures();
    REQUIRE(figures);
    CHECK(figures->terminals.size() == 1);
    CHECK(figures->terminals.begin()->first == row->state);
    return row->state;
  }

  tests::TempFolder folder;
  ManualClock clock;
  std::unique_ptr<SqliteStore> store;
  std::unique_ptr<SqliteQueries> queries;
  TerminalKey terminal = 0;
};

Fault fault(std::string subject, std::string code, WallTime at) {
  return {.id = code,
          .subject = std::move(subject),
          .code = code,
          .since = {1, 1, at},
          .opened_at = at};
}

}  // namespace

TEST_CASE("a terminal is offline 90 s after it was last heard, not when its session ends") {
  Shelf shelf;
  CHECK(shelf.state() == TerminalState::offline);  // never heard
  shelf.session(true);
  shelf.clock.advance(10min);
  CHECK(shelf.state() == TerminalState::online);
  shelf.session(false);
  shelf.clock.advance(90s);
  CHECK(shelf.state() == TerminalState::online);
  shelf.clock.advance(1s);
  CHECK(shelf.state() == TerminalState::offline);
  shelf.session(true);
  CHECK(shelf.state() == TerminalState::online);
}

TEST_CASE("a collector that was away heard nobody: nobody is offline before the limit after that") {
  Shelf shelf;
  shelf.session(true);
  SUBCASE("killed") {}
  SUBCASE("stopped in order") { shelf.session(false); }
  shelf.clock.advance(5h);
  shelf.write([&] { shelf.store->disconnect_all(shelf.clock.wall()); });
  CHECK(shelf.state() == TerminalState::online);
  shelf.clock.advance(91s);
  CHECK(shelf.state() == TerminalState::offline);
}

TEST_CASE("who was silent before the collector went away is so when it is back") {
  Shelf shelf;
  shelf.session(true);
  shelf.session(false);
  shelf.clock.advance(3min);
  shelf.change(FaultOpened{fault("", "terminal-silent", shelf.clock.wall())});
  shelf.write([&] { shelf.store->disconnect_all(shelf.clock.wall()); });
  CHECK(shelf.state() == TerminalState::offline);
}

TEST_CASE("a collector that stood still hears again before it calls anybody offline") {
  Shelf shelf;
  shelf.session(true);
  shelf.session(false);
  shelf.clock.advance(1h);
  shelf.write(
      [&] { shelf.store->postpone_silence(shelf.clock.wall() + 120s, shelf.clock.wall()); });
  CHECK(shelf.state() == TerminalState::online);
}

TEST_CASE("announced is switched off, however long; maintenance is said before all") {
  Shelf shelf;
  shelf.session(true);
  shelf.change(FaultOpened{fault("receipt", "media-empty", shelf.clock.wall())});
  CHECK(shelf.state() == TerminalState::fault);
  shelf.change(PowerChanged{true, {1, 5}, shelf.clock.wall()});
  shelf.session(false);
  shelf.clock.advance(2h);
  CHECK(shelf.state() == TerminalState::switched_off);
  shelf.change(MaintenanceChanged{Maintenance{shelf.clock.wall(), "paper feed", "anna", {}}});
  CHECK(shelf.state() == TerminalState::maintenance);
  const auto row = shelf.queries->terminal("K1");
  REQUIRE(row);
  REQUIRE(row->maintenance);
  CHECK(row->maintenance->reason == "paper feed");
  CHECK_FALSE(row->maintenance->until);
  shelf.change(MaintenanceChanged{});
  CHECK(shelf.state() == TerminalState::switched_off);
}

TEST_CASE("faults known from history only make no terminal faulty") {
  Shelf shelf;
  shelf.session(true);
  auto late = fault("receipt", "media-empty", shelf.clock.wall());
  late.learned_late = true;
  shelf.change(FaultOpened{late});
  CHECK(shelf.state() == TerminalState::online);
}

TEST_CASE("what holds an order back is kept with the fault") {
  Shelf shelf;
  auto held = fault("receipt", "media-empty", shelf.clock.wall());
  held.suppressed_by = "maintenance";
  shelf.change(FaultOpened{held});
  const auto by = [&] { return shelf.queries->faults({}, {})->items.at(0).fault.suppressed_by; };
  CHECK(by() == "maintenance");
  CHECK(shelf.store->view(shelf.terminal).faults.at(0).suppressed_by == "maintenance");
  shelf.change(FaultOrdered{held.id, "order", ""});
  CHECK(by().empty());
  CHECK(shelf.store->view(shelf.terminal).faults.at(0).order_id == "order");
}
