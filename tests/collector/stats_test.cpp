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
  using enum TerminalState;
  struct Line {
    bool maintenance, off, silent, open_fault;
    TerminalState state;
  };
  constexpr Line lines[] = {
      //                      off    silent open   state
      Line{true, true, true, true, maintenance},   Line{true, false, false, false, maintenance},
      Line{false, true, true, true, switched_off}, Line{false, true, false, false, switched_off},
      Line{false, false, true, true, offline},     Line{false, false, true, false, offline},
      Line{false, false, false, true, fault},      Line{false, false, false, false, online},
  };
  for (const auto& line : lines) {
    CHECK(state_of({line.maintenance, line.off, line.silent, line.open_fault}) == line.state);
  }
}
