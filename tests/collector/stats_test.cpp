#include <doctest/doctest.h>

#include "collector/stats/faults_by_code_and_day.hpp"
#include "collector/stats/terminals_by_state.hpp"

using namespace kw;
using namespace kw::collector;
using namespace kw::collector::stats;
using namespace std::chrono_literals;

TEST_CASE("a fault counts on the local day on which it opened, a late one as such") {
  CHECK(local_day(wall_from(0), 480min) == "1970-01-01");
  Fault fault{.subject = "receipt", .code = "media-empty", .opened_at = wall_from(0) + 16h};
  const auto count = counted(fault, 480min);
  CHECK(count.day == "1970-01-02");
  CHECK(count.code == "media-empty");
  CHECK_FALSE(count.late);
  fault.learned_late = true;
  CHECK(counted(fault, 480min).late);
}

TEST_CASE("a terminal's state is the first that holds") {
  CHECK(state_of({.switched_off = true, .connected = true, .device_fault = true}) ==
        TerminalState::switched_off);
  CHECK(state_of({.device_fault = true}) == TerminalState::offline);
  CHECK(state_of({.heard_lately = true}) == TerminalState::online);
  CHECK(state_of({.connected = true, .device_fault = true}) == TerminalState::fault);
  CHECK(state_of({.connected = true}) == TerminalState::online);
}
