#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "drivers/ports/descriptor.hpp"
#include "drivers/ports/open.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const SystemClock real_clock;

MonoTime within(Duration d) { return real_clock.mono() + d; }

Result<std::unique_ptr<Port>> open_text(const std::string& text) {
  auto address = PortAddress::parse(text);
  if (!address) return std::move(address).error();
  return open_port(*address, real_clock, within(seconds{5}));
}

/// The device's end of a TCP wire.
class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(fd_.get(), 1) == 0);
    REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
    address_ = "tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  }

  const std::string& address() const { return address_; }
  Descriptor accept() const { return Descriptor{::accept(fd_.get(), nullptr, nullptr)}; }
  void close() { fd_ = Descriptor{}; }

 private:
  Descriptor fd_;
  std::string address_;
};

/// The device's end of a serial wire.
class Master {
 public:
  Master() : fd_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(::grantpt(fd_.get()) == 0);
    REQUIRE(::unlockpt(fd_.get()) == 0);
    std::array<char, 128> name{};
    REQUIRE(::ptsname_r(fd_.get(), name.data(), name.size()) == 0);
    path_ = name.data();
  }

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  void close() { fd_ = Descriptor{}; }

 private:
  Descriptor fd_;
  std::string path_;
};

void send_text(int fd, std::string_view text) {
  REQUIRE(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

std::string received(int fd, std::size_t count) {
  std::string out(count, '\0');
  std::size_t got = 0;
  while (got < count) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, 5000) != 1) return "nothing came";
    const auto n = ::read(fd, out.data() + got, count - got);
    if (n <= 0) return "closed";
    got += static_cast<std::size_t>(n);
  }
  return out;
}

std::string read_text(Port& port, std::size_t count) {
  std::string out;
  std::array<std::uint8_t, 64> chunk{};
  while (out.size() < count) {
    const auto n = port.read(chunk, within(seconds{5}));
    if (!n) return n.error().text();
    out.append(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*n));
  }
  return out;
}

constexpr std::array<std::uint8_t, 4> some_bytes{'p', 'i', 0x03, 0xff};

}  // namespace

TEST_CASE("port address: what is written is what is meant") {
  const auto serial = PortAddress::parse("serial:/dev/ttyUSB0?baud=19200&flow=rtscts");
  REQUIRE(bool(serial));
  CHECK(serial->scheme == "serial");
  CHECK(serial->host == "/dev/ttyUSB0");
  CHECK(serial->options.at("baud") == "19200");
  CHECK(serial->options.at("flow") == "rtscts");
  CHECK(PortAddress::parse("serial:COM3")->host == "COM3");

  const auto tcp = PortAddress::parse("tcp://printer.local:9100");
  REQUIRE(bool(tcp));
  CHECK(tcp->host == "printer.local");
  CHECK(tcp->port == 9100);
  CHECK(PortAddress::parse("tcp://[2001:db8::1]:9100")->host == "2001:db8::1");
  const auto ipp = PortAddress::parse("ipp://printer.local");
  REQUIRE(bool(ipp));
  CHECK(ipp->host == "printer.local");
  CHECK(ipp->port == 631);
  CHECK(ipp->path == "/ipp/print");
  CHECK(PortAddress::parse("ipp://192.0.2.7:8631/printers/laser")->port == 8631);
  CHECK(PortAddress::parse("ipp://192.0.2.7:8631/printers/laser")->path == "/printers/laser");
  CHECK(PortAddress::parse("ipp://[2001:db8::1]/")->host == "2001:db8::1");
  CHECK(PortAddress::parse("ipp://[2001:db8::1]/")->path == "/ipp/print");

  CHECK(PortAddress::parse("-")->scheme == "-");
  CHECK(PortAddress::parse("modbus+tcp://192.0.2.1:502")->host == "192.0.2.1:502");
}

TEST_CASE("port address: a mistake is told with an example of the right form") {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"",
       "port \"\": no scheme before a colon; example: serial:/dev/ttyS0?baud=9600, "
       "tcp://192.0.2.10:9100 or -"},
      {"ttyS0", "no scheme before a colon"},
      {"lpt:1", "unknown scheme \"lpt\" (known: serial, tcp, ipp, usb"},
      {"serial:ttyS0", "a serial port is named by its device path"},
      {"serial:/dev/ttyS0?baud=9601", "baud = \"9601\" is not one of 1200, 2400"},
      {"serial:/dev/ttyS0?bauds=9600", "unknown option \"bauds\" (known: baud, data"},
      {"serial:/dev/ttyS0?baud", "option \"baud\" is not NAME=VALUE"},
      {"serial:/dev/ttyS0?stop=1&stop=2", "option \"stop\" is given twice"},
      {"tcp:printer:9100", "\"//\" is missing after tcp:; example: tcp://192.0.2.10:9100"},
      {"tcp://printer", "the port number is missing"},
      {"tcp://[::1]", "the port number is missing"},
      {"tcp://::1:9100", "an IPv6 address stands in brackets"},
      {"tcp://:9100", "the host is missing"},
      {"tcp://printer:0", "\"0\" is not a port number from 1 to 65535"},
      {"tcp://printer:91000", "\"91000\" is not a port number"},
      {"tcp://printer:9100?baud=9600", "tcp has no options"},
      {"ipp:printer", "\"//\" is missing after ipp:; example: ipp://192.0.2.10/ipp/print"},
      {"ipp:///ipp/print", "the host is missing"},
      {"ipp://printer:x/ipp", "\"x\" is not a port number"},
      {"ipp://::1/ipp", "an IPv6 address stands in brackets; example: ipp://[2001:db8::10]:631"},
      {"ipp://printer/ipp?queue=1", "ipp has no options"},
      {"ipp://printer/ipp HTTP/1.1\r\nX: ", "only printable ASCII without spaces"},
      {"ipps://printer/ipp/print", "IPP over TLS is not supported; use ipp"},
  };
  for (const auto& [text, expected] : rows) {
    CAPTURE(text);
    const auto parsed = PortAddress::parse(text);
    REQUIRE_FALSE(bool(parsed));
    CHECK(parsed.error().code() == Errc::invalid);
    CHECK_MESSAGE(parsed.error().text().find(expected) != std::string::npos, parsed.error().text());
  }
}

TEST_CASE("port \"-\" carries nothing, and a scheme without a transport says so") {
  const auto none = open_text("-");
  REQUIRE(bool(none));
  std::array<std::uint8_t, 1> byte{};
  CHECK((*none)->write(byte, within(seconds{1})).error().code() == Errc::unsupported);
  CHECK((*none)->read(byte, within(seconds{1})).error().code() == Errc::unsupported);
  const auto usb = open_text("usb:04b8:0e15");
  REQUIRE_FALSE(bool(usb));
  CHECK(usb.error().code() == Errc::unsupported);
}

TEST_CASE("tcp port: bytes go both ways") {
  const Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  const auto peer = device.accept();
  REQUIRE(bool((*port)->write(some_bytes, within(seconds{5}))));
  CHECK(received(peer.get(), 4) == "pi\x03\xff");
  send_text(peer.get(), "pong");
  CHECK(read_text(**port, 4) == "pong");
}

TEST_CASE("tcp port: silence is a timeout at the deadline, and a closed wire is disconnected") {
  const Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  auto peer = device.accept();
  std::array<std::uint8_t, 8> into{};
  const auto start = real_clock.mono();
  CHECK((*port)->read(into, start + milliseconds{30}).error().code() == Errc::timeout);
  CHECK(real_clock.mono() - start >= milliseconds{30});
  CHECK((*port)->read(into, start).error().code() == Errc::timeout);  // a deadline already past
  peer = Descriptor{};
  CHECK((*port)->read(into, within(seconds{5})).error().code() == Errc::disconnected);
  // The reset that answers the first write makes a later one fail, without a signal.
  Result<void> sent;
  for (int i = 0; i < 1000 && sent; ++i) sent = (*port)->write(some_bytes, within(seconds{5}));
  REQUIRE_FALSE(bool(sent));
  CHECK(sent.error().code() == Errc::disconnected);
}

TEST_CASE("tcp port: a peer that does not read cannot hold a write past its deadline") {
  const Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  const auto peer = device.accept();
  const std::vector<std::uint8_t> much(32 * 1024 * 1024);
  CHECK((*port)->write(much, within(milliseconds{100})).error().code() == Errc::timeout);
}

TEST_CASE("tcp port: discard throws away what has arrived") {
  const Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  const auto peer = device.accept();
  send_text(peer.get(), "late");
  std::array<std::uint8_t, 1> first{};
  REQUIRE(bool((*port)->read(first, within(seconds{5}))));  // so the rest is there too
  (*port)->discard();
  send_text(peer.get(), "new");
  CHECK(read_text(**port, 3) == "new");
}

TEST_CASE("tcp port: cancel ends a running call from another thread, and every later one") {
  const Listener device;
  const auto port = open_text(device.address());
  REQUIRE(bool(port));
  const auto peer = device.accept();
  std::thread other{[&] { (*port)->cancel(); }};
  std::array<std::uint8_t, 8> into{};
  const auto start = real_clock.mono();
  const auto got = (*port)->read(into, within(seconds{30}));
  other.join();
  CHECK(got.error().code() == Errc::disconnected);
  CHECK(real_clock.mono() - start < seconds{20});
  send_text(peer.get(), "x");
  CHECK((*port)->read(into, within(seconds{5})).error().code() == Errc::disconnected);
  CHECK((*port)->write(some_bytes, within(seconds{5})).error().code() == Errc::disconnected);
}

TEST_CASE("tcp port: nobody there is refused, a name that cannot be is missing") {
  Listener device;
  const auto address = device.address();
  device.close();
  const auto refused = open_text(address);
  REQUIRE_FALSE(bool(refused));
  CHECK(refused.error().code() == Errc::refused);
  CHECK(refused.error().text().find(address) == 0);
  CHECK(open_text("tcp://no host:9100").error().code() == Errc::missing);
}

TEST_CASE("serial port: bytes go both ways unchanged") {
  const Master device;
  const auto port = open_text("serial:" + device.path() + "?baud=115200");
  REQUIRE_MESSAGE(bool(port), port.error().text());
  REQUIRE(bool((*port)->write(some_bytes, within(seconds{5}))));
  CHECK(received(device.fd(), 4) == "pi\x03\xff");
  send_text(device.fd(), "\r\x11\x03\n");
  CHECK(read_text(**port, 4) == "\r\x11\x03\n");
  termios set{};
  REQUIRE(::tcgetattr(device.fd(), &set) == 0);
  CHECK(::cfgetospeed(&set) == B115200);
}

TEST_CASE("serial port: who has it open keeps it, and gives it back") {
  const Master device;
  const auto address = "serial:" + device.path();
  {
    const auto first = open_text(address);
    REQUIRE(bool(first));
    const auto second = open_text(address);
    REQUIRE_FALSE(bool(second));
    CHECK(second.error().code() == Errc::busy);
  }
  CHECK(bool(open_text(address)));
}

TEST_CASE("serial port: a business application's lock is respected") {
  const Master device;
  const Descriptor app{::open(device.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
  REQUIRE(::flock(app.get(), LOCK_EX | LOCK_NB) == 0);
  const auto port = open_text("serial:" + device.path());
  REQUIRE_FALSE(bool(port));
  CHECK(port.error().code() == Errc::busy);
}

TEST_CASE("serial port: a pulled adapter is disconnected, a missing one missing") {
  Master device;
  const auto port = open_text("serial:" + device.path());
  REQUIRE(bool(port));
  std::array<std::uint8_t, 8> into{};
  CHECK((*port)->read(into, within(milliseconds{20})).error().code() == Errc::timeout);
  device.close();
  CHECK((*port)->read(into, within(seconds{5})).error().code() == Errc::disconnected);
  CHECK((*port)->write(some_bytes, within(seconds{5})).error().code() == Errc::disconnected);

  CHECK(open_text("serial:/dev/kw-no-such-port").error().code() == Errc::missing);
  CHECK(open_text("serial:/dev/null").error().code() == Errc::unsupported);
}

TEST_CASE("serial port: cancel ends a running call") {
  const Master device;
  const auto port = open_text("serial:" + device.path());
  REQUIRE(bool(port));
  std::thread other{[&] { (*port)->cancel(); }};
  std::array<std::uint8_t, 8> into{};
  CHECK((*port)->read(into, within(seconds{30})).error().code() == Errc::disconnected);
  other.join();
}

}  // namespace kw::drivers
