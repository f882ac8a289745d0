// A port that appears is noticed, and a device that was given up for long is asked at once.
#include <fstream>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "common/platform/device_nodes.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

Task<void> count(platform::DeviceNodes& nodes, int& seen, int until, asio::io_context& io) {
  while (seen < until) {
    co_await nodes.appeared();
    ++seen;
  }
  io.stop();
}

Task<void> make_nodes(std::filesystem::path folder, const int& seen) {
  std::ofstream{folder / "ttyUSB0"};
  std::ofstream{folder / "ttyUSB1"};
  while (seen == 0) co_await sleep_for(10ms);
  std::filesystem::permissions(folder / "ttyUSB0", std::filesystem::perms::owner_read);
}

}  // namespace

TEST_CASE("a node that is made and one that gets its rights are noticed, together once") {
  const TempFolder folder;
  asio::io_context io{1};
  platform::DeviceNodes nodes{io.get_executor(), folder / "."};
  int seen = 0;
  spawn(io, "count", count(nodes, seen, 2, io));
  spawn(io, "make", make_nodes(folder / ".", seen));
  io.run_for(20s);
  CHECK(seen == 2);
}
