// Serial ports over pseudo-terminals.
#include <array>
#include <cstdlib>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <termios.h>
#include <unistd.h>

#include "common/platform/posix/descriptor.hpp"
#include "tests/drivers/ports.hpp"
#include "tests/drivers/support.hpp"

namespace kw::drivers {
namespace {

using platform::Descriptor;

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

/// Counts how often anybody opens a file.
class Opens {
 public:
  explicit Opens(const std::string& path) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    REQUIRE(::inotify_add_watch(fd_.get(), path.c_str(), IN_OPEN) >= 0);
  }

  int count() {
    alignas(inotify_event) std::array<char, 4096> events{};
    for (;;) {
      const auto n = ::read(fd_.get(), events.data(), events.size());
      if (n <= 0) return seen_;
      for (std::size_t at = 0; at < static_cast<std::size_t>(n); at += sizeof(inotify_event))
        ++seen_;
    }
  }

 private:
  Descriptor fd_;
  int seen_ = 0;
};

}  // namespace

TEST_CASE("scanner: a port that the business application holds is looked at and never opened") {
  Master device;
  Descriptor application{::open(device.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
  termios raw{};
  REQUIRE(::tcgetattr(application.get(), &raw) == 0);
  ::cfmakeraw(&raw);
  REQUIRE(::tcsetattr(application.get(), TCSANOW, &raw) == 0);
  send_text(device.fd(), "6901234567892\r");  // scanned, and not read by the application yet
  Opens opens{device.path()};

  const auto driver = make_driver("scanner", {});
  REQUIRE(bool(driver));
  auto address = *PortAddress::parse("serial:" + device.path());
  address.only_look = !(*driver)->polls_port();
  REQUIRE(address.only_look);
  const auto look = [&] { return open_port(address, real_clock, within(seconds{5})); };
  for (int poll = 0; poll < 20; ++poll) {
    const auto port = look();
    REQUIRE(bool(port));
    REQUIRE(bool((*driver)->open(**port, within(seconds{5}))));
    const auto status = (*driver)->poll(within(seconds{5}));
    REQUIRE(bool(status));
    CHECK(status->device == wire::DeviceState::online);
    CHECK(status->evidence == wire::Evidence::presence_only);
    CHECK((*port)->write(some_bytes, within(seconds{5})).error().code() == Errc::unsupported);
    (*driver)->close();
  }
  CHECK(opens.count() == 0);
  CHECK(received(application.get(), 14) == "6901234567892\r");
  // In maintenance the port is opened: that is what is counted here.
  address.only_look = false;
  CHECK(bool(look()));
  CHECK(opens.count() == 1);

  // It is pulled out: the node goes, although the application still has it open.
  address.only_look = true;
  device.close();
  CHECK(look().error().code() == Errc::missing);
}

TEST_CASE("a port of which nothing can be seen from outside is left to the program that has it") {
  auto address = *PortAddress::parse("tcp://127.0.0.1:1");
  address.only_look = true;
  CHECK(open_port(address, real_clock, within(seconds{5})).error().code() == Errc::busy);
  // No serial device: an ordinary file of that name is none.
  const TempFolder folder;
  address = *PortAddress::parse("serial:" + (folder / "ttyS0").string());
  address.only_look = true;
  CHECK(open_port(address, real_clock, within(seconds{5})).error().code() == Errc::missing);
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
