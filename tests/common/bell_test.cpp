// A bell: nobody who looked before it rang waits for the next time.
#include "common/bell.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

using namespace kw;
using namespace std::chrono_literals;

namespace {

struct Room {
  void listen(std::uint64_t rung, Duration limit) { spawn(io, "listener", wait(rung, limit)); }
  Task<void> wait(std::uint64_t rung, Duration limit) {
    co_await bell.heard(rung, limit);
    ++heard;
  }

  asio::io_context io{1};
  Bell bell{io.get_executor()};
  int heard = 0;
};

}  // namespace

TEST_CASE("a bell wakes all who wait, and who looked before it rang does not wait") {
  Room room;
  const auto before = room.bell.rung();
  room.listen(before, 1h);
  room.listen(before, 1h);
  room.io.poll();
  CHECK(room.heard == 0);
  room.bell.ring();
  room.io.restart();
  room.io.run();  // would take an hour
  CHECK(room.heard == 2);

  room.listen(before, 1h);
  room.io.restart();
  room.io.run();
  CHECK(room.heard == 3);

  room.listen(room.bell.rung(), 1ms);
  room.io.restart();
  room.io.run();
  CHECK(room.heard == 4);
}
