// UsbPort over the system's libusb, on a bus that usb-stage mocks.
#include <array>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <unistd.h>

#include "drivers/ports/open.hpp"
#include "drivers/ports/usb.hpp"
#include "tests/peers/usb/stage_client.hpp"

using namespace kw;
using namespace kw::drivers;
using namespace std::chrono_literals;
using kw::tests::on_stage;
using kw::tests::Plugged;

namespace {

const SystemClock real_clock;

MonoTime within(Duration d) { return real_clock.mono() + d; }

Result<std::unique_ptr<Port>> open_text(const std::string& text) {
  auto address = PortAddress::parse(text);
  if (!address) return std::move(address).error();
  return open_port(*address, real_clock, within(2s));
}

/// An open port that has to be one of USB's.
struct Opened {
  explicit Opened(const std::string& text) : port(open_text(text)) {
    REQUIRE_MESSAGE(bool(port), (port ? "" : port.error().text()));
    usb = dynamic_cast<UsbPort*>(port->get());
    REQUIRE(usb != nullptr);
  }
  Result<std::unique_ptr<Port>> port;
  UsbPort* usb = nullptr;
};

std::vector<std::uint8_t> numbers(std::size_t count) {
  std::vector<std::uint8_t> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::uint8_t>(i);
  return out;
}

std::vector<std::uint8_t> read_all(Port& port, std::size_t count, std::size_t step) {
  std::vector<std::uint8_t> out;
  std::vector<std::uint8_t> chunk(step);
  while (out.size() < count) {
    const auto got = port.read(chunk, within(2s));
    if (!got) break;
    out.insert(out.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*got));
  }
  return out;
}

Errc failing(const Result<std::size_t>& result) {
  REQUIRE_FALSE(bool(result));
  return result.error().code();
}

constexpr auto echo_address = "usb:0400:c35a";

}  // namespace

TEST_CASE("a device that is not attached is missing") {
  const auto port = open_text("usb:dead:beef");
  REQUIRE_FALSE(bool(port));
  CHECK(port.error().code() == Errc::missing);
}

TEST_CASE("bytes go both ways, in packets or pieces of them") {
  const Plugged device{"echo"};
  Opened echo{echo_address};
  for (const std::size_t size : {1U, 63U, 64U, 65U, 200U, 2321U}) {
    CAPTURE(size);
    const auto sent = numbers(size);
    REQUIRE(bool(echo.usb->write(sent, within(2s))));
    CHECK(read_all(*echo.usb, size, 7) == sent);
  }
}

TEST_CASE("a named pair of endpoints is a stream of its own") {
  const Plugged device{"echo"};
  Opened echo{echo_address};
  REQUIRE(bool(echo.usb->bulk_write(0x06, numbers(3), within(2s))));
  REQUIRE(bool(echo.usb->write(numbers(5), within(2s))));
  std::array<std::uint8_t, 64> into{};
  CHECK(*echo.usb->bulk_read(0x85, into, within(2s)) == 3);
  CHECK(*echo.usb->read(into, within(2s)) == 5);
}

TEST_CASE("what was not read is thrown away, also what the device still holds") {
  const Plugged device{"echo"};
  Opened echo{echo_address};
  REQUIRE(bool(echo.usb->write(numbers(130), within(2s))));
  std::array<std::uint8_t, 4> into{};
  CHECK(*echo.usb->read(into, within(2s)) == 4);
  echo.usb->discard();
  REQUIRE(bool(echo.usb->write(numbers(2), within(2s))));
  CHECK(read_all(*echo.usb, 2, 64) == numbers(2));
}

TEST_CASE("what waits in the device when it is opened is no answer to the first question") {
  const Plugged device{"echo"};
  REQUIRE(on_stage("say echo 0x81 0a0b0c") == "ok");
  REQUIRE(on_stage("say echo 0x85 0d") == "ok");
  Opened echo{echo_address};
  echo.usb->discard();
  REQUIRE(bool(echo.usb->write(numbers(2), within(2s))));
  CHECK(read_all(*echo.usb, 2, 64) == numbers(2));
  REQUIRE(bool(echo.usb->bulk_write(0x06, numbers(3), within(2s))));
  std::array<std::uint8_t, 64> into{};
  CHECK(*echo.usb->bulk_read(0x85, into, within(2s)) == 3);
}

TEST_CASE("control transfers: an answer, a request with data, one that it does not know") {
  const Plugged device{"echo"};
  Opened echo{echo_address};
  const auto answer = echo.usb->control_in({0xc0, 0x10, 0, 0}, 8, within(1s));
  REQUIRE(bool(answer));
  CHECK(*answer == std::vector<std::uint8_t>{1, 2, 3, 4});
  const std::array<std::uint8_t, 2> told{9, 8};
  CHECK(bool(echo.usb->control_out({0x40, 0x11, 0, 0}, told, within(1s))));
  const auto unknown = echo.usb->control_in({0xc0, 0x77, 0, 0}, 8, within(1s));
  REQUIRE_FALSE(bool(unknown));
  CHECK(unknown.error().code() == Errc::unsupported);
  // And the device goes on.
  CHECK(bool(echo.usb->control_in({0xc0, 0x10, 0, 0}, 2, within(1s))));
}

TEST_CASE("an interrupt endpoint gives a report, or none in time") {
  const Plugged device{"echo"};
  Opened echo{echo_address};
  const auto started = real_clock.mono();
  const auto none = echo.usb->interrupt_read(0x82, within(100ms));
  REQUIRE_FALSE(bool(none));
  CHECK(none.error().code() == Errc::timeout);
  const auto took = real_clock.mono() - started;
  CHECK(took >= Duration{100ms});
  CHECK(took < Duration{400ms});
  REQUIRE(on_stage("say echo 0x82 5001ff") == "ok");
  const auto report = echo.usb->interrupt_read(0x82, within(1s));
  REQUIRE(bool(report));
  CHECK(*report == std::vector<std::uint8_t>{0x50, 0x01, 0xff});
}

TEST_CASE("a halted endpoint is told and released") {
  const Plugged device{"echo"};
  Opened echo{echo_address};
  REQUIRE(on_stage("halt echo 0x01") == "ok");
  const auto stalled = echo.usb->write(numbers(3), within(1s));
  REQUIRE_FALSE(bool(stalled));
  CHECK(stalled.error().code() == Errc::garbled);
  REQUIRE(bool(echo.usb->write(numbers(3), within(1s))));
  CHECK(read_all(*echo.usb, 3, 64) == numbers(3));
}

TEST_CASE("a silent device costs the deadline and no more") {
  const Plugged device{"echo"};
  Opened echo{echo_address};
  REQUIRE(on_stage("mute echo on") == "ok");
  std::array<std::uint8_t, 8> into{};
  const auto started = real_clock.mono();
  CHECK(failing(echo.usb->read(into, within(150ms))) == Errc::timeout);
  const auto unsent = echo.usb->write(numbers(3), within(150ms));
  REQUIRE_FALSE(bool(unsent));
  CHECK(unsent.error().code() == Errc::timeout);
  const auto unasked = echo.usb->control_in({0xc0, 0x10, 0, 0}, 8, within(150ms));
  REQUIRE_FALSE(bool(unasked));
  CHECK(unasked.error().code() == Errc::timeout);
  CHECK(real_clock.mono() - started < Duration{1s});
  REQUIRE(on_stage("mute echo off") == "ok");
}

TEST_CASE("another thread cancels a call that waits, and every one after it") {
  const Plugged device{"echo"};
  Opened echo{echo_address};
  std::array<std::uint8_t, 8> into{};
  auto* const usb = echo.usb;
  std::promise<void> begun;
  auto waiting = std::async(std::launch::async, [&] {
    begun.set_value();
    return usb->read(into, within(20s));
  });
  begun.get_future().wait();
  const auto started = real_clock.mono();
  usb->cancel();
  CHECK(failing(waiting.get()) == Errc::disconnected);
  CHECK(real_clock.mono() - started < Duration{2s});
  CHECK(failing(usb->read(into, within(20s))) == Errc::disconnected);
}

TEST_CASE("pulled out while a call waits: told at once, missing then, back after plugging in") {
  Plugged device{"echo"};
  {
    Opened echo{echo_address};
    std::array<std::uint8_t, 8> into{};
    auto* const usb = echo.usb;
    auto waiting = std::async(std::launch::async, [&] { return usb->read(into, within(20s)); });
    const auto started = real_clock.mono();
    REQUIRE(on_stage("unplug echo") == "ok");
    CHECK(failing(waiting.get()) == Errc::disconnected);
    CHECK(real_clock.mono() - started < Duration{2s});
    const auto gone = usb->write(numbers(1), within(1s));
    REQUIRE_FALSE(bool(gone));
    CHECK(gone.error().code() == Errc::disconnected);
  }
  const auto missing = open_text(echo_address);
  REQUIRE_FALSE(bool(missing));
  CHECK(missing.error().code() == Errc::missing);
  REQUIRE(on_stage("plug echo") == "ok");
  Opened again{echo_address};
  REQUIRE(bool(again.usb->write(numbers(3), within(1s))));
  CHECK(read_all(*again.usb, 3, 64) == numbers(3));
}

TEST_CASE("what somebody else has is busy; a kernel driver is put off only when asked") {
  const Plugged device{"receipt"};
  REQUIRE(on_stage("bind receipt usblp") == "ok");
  const auto taken = open_text("usb:04b8:0e15");
  REQUIRE_FALSE(bool(taken));
  CHECK(taken.error().code() == Errc::busy);
  CHECK(on_stage("driver receipt") == "usblp");
  {
    const Opened printer{"usb:04b8:0e15?detach=true"};
    CHECK(on_stage("driver receipt") == "");
  }
  CHECK(on_stage("driver receipt") == "usblp");
  REQUIRE(on_stage("bind receipt") == "ok");
  REQUIRE(on_stage("elsewhere receipt on") == "ok");
  const auto claimed = open_text("usb:04b8:0e15");
  REQUIRE_FALSE(bool(claimed));
  CHECK(claimed.error().code() == Errc::busy);
  REQUIRE(on_stage("elsewhere receipt off") == "ok");
}

TEST_CASE("of two alike the one that is meant is opened") {
  const Plugged first{"twin-a"};
  const Plugged second{"twin-b"};
  const auto either = open_text("usb:0519:0003");
  REQUIRE_FALSE(bool(either));
  CHECK(either.error().code() == Errc::invalid);
  CHECK(either.error().text().find("add ?path= or ?serial=") != std::string::npos);
  std::string path;
  {
    Opened b{"usb:0519:0003?serial=B2"};
    CHECK(b.usb->names(within(1s))->serial == "B2");
    path = b.usb->facts().path;
  }
  Opened by_path{"usb:0519:0003?path=" + path};
  CHECK(by_path.usb->names(within(1s))->serial == "B2");
  const auto third = open_text("usb:0519:0003?serial=C3");
  REQUIRE_FALSE(bool(third));
  CHECK(third.error().code() == Errc::missing);
}

TEST_CASE("the function with a bulk pair is found, and a wrong one refused") {
  const Plugged device{"scanner-serial"};
  const Opened scanner{"usb:1eab:0c06"};
  CHECK(scanner.usb->function().number == 1);
  CHECK(scanner.usb->facts().functions.size() == 2);
  const auto wrong = open_text("usb:1eab:0c06?interface=5");
  REQUIRE_FALSE(bool(wrong));
  CHECK(wrong.error().code() == Errc::invalid);
  const auto no_endpoint = open_text("usb:1eab:0c06?in=0x8f");
  REQUIRE_FALSE(bool(no_endpoint));
  CHECK(no_endpoint.error().code() == Errc::invalid);
}
