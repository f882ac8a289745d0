// When the agent counts as hung.
#include "agent/progress.hpp"

#include <doctest/doctest.h>

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

namespace {

MonoTime at(Duration since) { return MonoTime{since}; }

PollProgress polled(Duration last, std::size_t ports = 3, std::size_t stuck = 0) {
  return {ports, stuck, at(last), 20s};
}

}  // namespace

TEST_CASE("polling is progress while one worker ends its looks") {
  const Progress progress{30s};
  struct Row {
    const char* what;
    PollProgress poll;
    Duration now;
    bool stalled;
  };
  for (const auto& row : {
           Row{"just polled", polled(100s), 101s, false},
           Row{"within the limit and the patience", polled(100s), 150s, false},
           Row{"no look for longer", polled(100s), 151s, true},
           Row{"two of three stuck", polled(100s, 3, 2), 101s, false},
           Row{"all stuck", polled(100s, 3, 3), 101s, true},
           Row{"no device at all", polled(0s, 0), 10h, false},
       }) {
    CAPTURE(row.what);
    const auto stalled = progress.stalled(row.poll, at(row.now));
    CHECK(stalled.has_value() == row.stalled);
    if (stalled) CHECK(*stalled == "poll");
  }
}

TEST_CASE("an outbox that does not answer stands still, however long it was idle before") {
  Progress progress{30s};
  CHECK_FALSE(progress.stalled(polled(1000s), at(1000s)));
  progress.asked(at(1000s));
  CHECK(progress.waiting());
  CHECK_FALSE(progress.stalled(polled(1030s), at(1030s)));
  CHECK(progress.stalled(polled(1031s), at(1031s)) == "outbox");
  progress.answered();
  CHECK_FALSE(progress.waiting());
  CHECK_FALSE(progress.stalled(polled(1032s), at(1032s)));
}
