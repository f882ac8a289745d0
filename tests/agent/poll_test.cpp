#include <doctest/doctest.h>

#include "agent/config.hpp"
#include "agent/poll/poller.hpp"
#include "fake_device.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

TEST_CASE(
    "devices that are disabled or configured wrongly are reported although nobody asks them") {
  const auto config = parse_config(R"([[device]]
name = "off"
driver = "escpos"
port = "tcp://127.0.0.1:1"
enabled = false
[[device]]
name = "bad"
driver = "escpos"
port = "tcp://127.0.0.1:1"
poll_ms = 1
)",
                                   "agent.toml");
  SystemClock clock;
  Notebook notes;
  Board board;
  const auto never = [](const drivers::PortAddress&, MonoTime) {
    return Result<std::unique_ptr<drivers::Port>>{Error{Errc::missing, "x"}};
  };
  Poller poller{config, never, notes, board, clock, 1};
  poller.start();
  CHECK(poller.stop(5s));
  REQUIRE(notes.states() == 2);
  CHECK(notes.device(0) == "off");
  CHECK(wire::health_of(*notes.state_number(1)) == wire::Health::disabled);
  const auto bad = notes.state_number(2);
  CHECK(wire::health_of(*bad) == wire::Health::fault);
  CHECK(bad->conditions.at(0).code == "bad-configuration");
  CHECK(bad->conditions.at(0).detail.starts_with("10:device.1.poll_ms"));
}

TEST_CASE("devices with the same port share one worker, and none waits for another port's") {
  const auto config = parse_config(R"([[device]]
name = "a"
driver = "escpos"
port = "tcp://127.0.0.1:1"
[[device]]
name = "b"
driver = "escpos"
port = "tcp://127.0.0.1:1"
[[device]]
name = "c"
driver = "escpos"
port = "tcp://127.0.0.1:2"
)",
                                   "agent.toml");
  SystemClock clock;
  Notebook notes;
  Board board;
  std::mutex mutex;
  std::map<std::uint16_t, std::vector<std::thread::id>> threads;
  const auto open = [&](const drivers::PortAddress& address, MonoTime) {
    const std::lock_guard lock{mutex};
    threads[address.port].push_back(std::this_thread::get_id());
    return Result<std::unique_ptr<drivers::Port>>{Error{Errc::refused, "nobody"}};
  };
  Poller poller{config, open, notes, board, clock, 1};
  poller.start();
  REQUIRE(notes.state_number(3));
  CHECK(poller.stop(5s));
  CHECK(std::ranges::all_of(threads[1], [&](auto id) { return id == threads[1].front(); }));
  CHECK(threads[1].front() != threads[2].front());
}
