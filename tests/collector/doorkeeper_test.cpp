#include "collector/gateway/doorkeeper.hpp"

#include <doctest/doctest.h>

using namespace kw;
using namespace kw::collector;
using namespace std::chrono_literals;

namespace {

Doorkeeper::Limits limits() {
  return {.sessions = 10,
          .jobs = 100,
          .bytes = 1'000,
          .behind = 20s,
          .per_second = 10,
          .least = 5s,
          .most = 60s};
}

}  // namespace

TEST_CASE("the door is open below every bound and shut at each") {
  Doorkeeper door{limits()};
  CHECK_FALSE(door.turn_away({}, 0.5));
  CHECK_FALSE(door.turn_away({9, 99, 999, 19s}, 0.5));
  CHECK(door.turn_away({10, 0, 0, 0s}, 0.5));
  CHECK_FALSE(door.turn_away({9, 0, 0, 0s}, 0.5));  // one has left: the next comes in
  CHECK(door.turn_away({0, 100, 0, 0s}, 0.5));
  CHECK(Doorkeeper{limits()}.turn_away({0, 0, 1'000, 0s}, 0.5));
  CHECK(Doorkeeper{limits()}.turn_away({0, 0, 0, 20s}, 0.5));
}

TEST_CASE("a writer that was too far behind must catch up before the door opens again") {
  Doorkeeper door{limits()};
  REQUIRE(door.turn_away({0, 100, 0, 0s}, 0.0));
  CHECK(door.turn_away({0, 90, 0, 0s}, 0.0));
  CHECK(door.turn_away({0, 76, 0, 0s}, 0.0));
  CHECK_FALSE(door.turn_away({0, 74, 0, 0s}, 0.0));
  CHECK_FALSE(door.turn_away({0, 99, 0, 0s}, 0.0));
}

TEST_CASE("hints grow with the crowd and the load, within their bounds") {
  Doorkeeper door{limits()};
  const Doorkeeper::Load full{10, 0, 0, 0s};
  CHECK(door.turn_away(full, 0.0) == Duration{5s});
  CHECK(door.turn_away(full, 1.0) == Duration{10s});
  for (int i = 0; i < 200; ++i) CHECK(*door.turn_away(full, 0.5) >= Duration{5s});
  // 203 were turned away: letting them in takes 20.3 s.
  CHECK(door.turn_away(full, 1.0) == Duration{25'300ms});
  for (int i = 0; i < 2'000; ++i) static_cast<void>(door.turn_away(full, 0.5));
  CHECK(door.turn_away(full, 1.0) == Duration{60s});
  // The door was open in between: the crowd has come in.
  CHECK_FALSE(door.turn_away({}, 0.5));
  CHECK(door.turn_away(full, 1.0) == Duration{10s});
  // Three times the bound: three times the wait.
  CHECK(Doorkeeper{limits()}.turn_away({0, 300, 0, 0s}, 0.0) == Duration{15s});
}

TEST_CASE("a shut door lets nobody in, whatever the load") {
  Doorkeeper door{limits()};
  door.shut(30s);
  CHECK(door.is_shut());
  CHECK(door.turn_away({}, 0.0) == Duration{30s});
  CHECK(door.hint(30s, 100, 0.0) == Duration{30s});
  CHECK(door.hint(1s, 100, 1.0) == Duration{11s});
  // A hint that was asked for is not cut.
  CHECK(door.hint(100s, 100, 1.0) == Duration{100s});
}
