#include <array>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <doctest/doctest.h>

#include "tests/drivers/ports.hpp"

namespace kw::drivers {
namespace {

#ifdef _WIN32
// Wine, which these tests run under, mostly keeps the peer's "port unreachable" to itself.
constexpr bool told_at_once = false;
#else
constexpr bool told_at_once = true;
#endif

namespace asio = boost::asio;
using Udp = asio::ip::udp;

/// The device's end.
class Peer {
 public:
  Peer() : socket_(io_, Udp::endpoint{asio::ip::address_v4::loopback(), 0}) {}

  std::string address() const {
    return "snmp://127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
  }
  std::string received() {
    std::string out(256, '\0');
    out.resize(socket_.receive_from(asio::buffer(out), from_));
    return out;
  }
  void send(std::string_view text) { socket_.send_to(asio::buffer(text), from_); }
  void close() { socket_.close(); }

 private:
  asio::io_context io_{1};
  Udp::socket socket_;
  Udp::endpoint from_;
};

std::string next(Port& port) {
  std::array<std::uint8_t, 64> into{};
  const auto n = port.read(into, within(seconds{5}));
  if (!n) return n.error().text();
  return {into.begin(), into.begin() + static_cast<std::ptrdiff_t>(*n)};
}

}  // namespace

TEST_CASE("udp port: a write is a datagram, a read is one, and none is no end") {
  Peer device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  REQUIRE(bool((*port)->write(some_bytes, within(seconds{5}))));
  CHECK(device.received() == "pi\x03\xff");
  device.send("one");
  device.send("");
  device.send("three");
  CHECK(next(**port) == "one");
  CHECK(next(**port) == "three");
}

TEST_CASE("udp port: what does not fit is cut, and the next is whole") {
  Peer device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  REQUIRE(bool((*port)->write(some_bytes, within(seconds{5}))));
  device.received();
  device.send(std::string(100, 'x'));
  device.send("next");
  CHECK(next(**port) == std::string(64, 'x'));
  CHECK(next(**port) == "next");
}

TEST_CASE("udp port: silence is a timeout at the deadline") {
  Peer device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  std::array<std::uint8_t, 8> into{};
  const auto start = real_clock.mono();
  CHECK((*port)->read(into, start + milliseconds{30}).error().code() == Errc::timeout);
  CHECK(real_clock.mono() - start >= milliseconds{30});
}

TEST_CASE("udp port: nobody listens is told at once, and forgotten by discard and by a write") {
  Peer device;
  const auto address = device.address();
  device.close();
  const auto port = open_text(address);
  REQUIRE(bool(port));
  std::array<std::uint8_t, 8> into{};
  const auto start = real_clock.mono();
  for (int i = 0; i < 2; ++i) {
    REQUIRE(bool((*port)->write(some_bytes, within(seconds{5}))));
    const auto got = (*port)->read(into, within(told_at_once ? seconds{30} : seconds{1}));
    REQUIRE_FALSE(bool(got));
    if (!told_at_once && got.error().code() == Errc::timeout) continue;
    CHECK(got.error().code() == Errc::disconnected);
    CHECK(got.error().text().find("nobody listens") != std::string::npos);
  }
  CHECK(real_clock.mono() - start < seconds{20});
  REQUIRE(bool((*port)->write(some_bytes, within(seconds{5}))));
  REQUIRE(bool((*port)->write(some_bytes, within(seconds{5}))));
  (*port)->discard();
  (*port)->discard();
  CHECK((*port)->read(into, within(milliseconds{20})).error().code() == Errc::timeout);
}

TEST_CASE("udp port: discard throws away what has come, cancel is for good") {
  Peer device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  REQUIRE(bool((*port)->write(some_bytes, within(seconds{5}))));
  device.received();
  device.send("late");
  device.send("");
  device.send("later");
  (*port)->discard();
  device.send("new");
  CHECK(next(**port) == "new");

  std::thread other{[&] { (*port)->cancel(); }};
  std::array<std::uint8_t, 8> into{};
  CHECK((*port)->read(into, within(seconds{30})).error().code() == Errc::disconnected);
  other.join();
  CHECK((*port)->write(some_bytes, within(seconds{5})).error().code() == Errc::disconnected);
}

TEST_CASE("udp port: a name that cannot be is missing") {
  CHECK(open_text("snmp://no host:161").error().code() == Errc::missing);
}

}  // namespace kw::drivers
