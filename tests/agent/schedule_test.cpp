// Whose turn it is on a port, in time that a test moves.
#include "agent/poll/schedule.hpp"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

namespace {

MonoTime at(Duration since) { return MonoTime{since}; }

/// Serves whatever is due until `end`; how often each entry was served.
std::vector<int> serve_until(Schedule& schedule, std::size_t entries, MonoTime end) {
  std::vector<int> out(entries, 0);
  for (;;) {
    const auto entry = schedule.next();
    const auto due = schedule.due(entry);
    if (due > end) return out;
    schedule.served(entry, due);
    ++out[entry];
  }
}

}  // namespace

TEST_CASE("each device is polled at its own interval, on the average exactly") {
  Schedule schedule{3};
  schedule.add(5s, at(3s));
  schedule.add(1s, at(1s));
  CHECK(schedule.next() == 1);
  const auto served = serve_until(schedule, 2, at(1h));
  CHECK(served[0] >= 715);
  CHECK(served[0] <= 725);
  CHECK(served[1] >= 3'580);
  CHECK(served[1] <= 3'620);
}

TEST_CASE("an interval varies by a tenth at most, the first is shorter") {
  Schedule schedule{1};
  schedule.add(10s, at(0s));
  schedule.served(0, at(0s));
  CHECK(schedule.due(0) >= at(5s));
  CHECK(schedule.due(0) <= at(10s));
  std::set<Duration> seen;
  for (int i = 0; i < 200; ++i) {
    const auto due = schedule.due(0);
    schedule.served(0, due);
    seen.insert(schedule.due(0) - due);
  }
  CHECK(*seen.begin() >= 9s);
  CHECK(*seen.rbegin() <= 11s);
  CHECK(*seen.rbegin() - *seen.begin() > 1s);
}

TEST_CASE("devices on different ports that began together do not stay in step") {
  std::set<MonoTime> due;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    Schedule schedule{seed * 0x9E3779B97F4A7C15ULL};
    schedule.add(5s, at(0s));
    serve_until(schedule, 1, at(60s));
    due.insert(schedule.due(0));
  }
  REQUIRE(due.size() == 15);
  CHECK(*due.rbegin() - *due.begin() > 1s);
}

TEST_CASE("a port that was blocked for long polls each device once, not once for every turn") {
  Schedule schedule{1};
  schedule.add(1s, at(0s));
  schedule.served(0, at(60s));
  CHECK(schedule.due(0) > at(60s));
  CHECK(schedule.due(0) <= at(61s));
}

TEST_CASE("an early look never delays a turn") {
  Schedule schedule{1};
  schedule.add(5s, at(10s));
  schedule.again_at(0, at(20s));
  CHECK(schedule.due(0) == at(10s));
  schedule.again_at(0, at(9s));
  CHECK(schedule.due(0) == at(9s));
}

TEST_CASE("a device that is long absent is asked less often, and at once when it is wanted") {
  Schedule schedule{1};
  schedule.add(1s, at(0s));
  schedule.served(0, at(0s));
  schedule.served(0, at(1s), 10s);
  CHECK(schedule.due(0) >= at(9s));
  CHECK(schedule.due(0) <= at(12s));
  schedule.again_at(0, at(2s));
  CHECK(schedule.due(0) == at(2s));
  schedule.served(0, at(2s));
  CHECK(schedule.due(0) <= at(3'100ms));
  // One that is asked seldom anyway keeps its interval.
  schedule.add(60s, at(0s));
  schedule.served(1, at(0s), 10s);
  CHECK(schedule.due(1) >= at(30s));
}
