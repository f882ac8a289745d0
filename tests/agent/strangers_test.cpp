// USB devices that nobody configured are told when they come and go, in bounds.
#include "agent/strangers.hpp"

#include <algorithm>

#include <doctest/doctest.h>

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using drivers::UsbChange;

namespace {

constexpr MonoTime t0 = mono_from(1'000'000'000);

AgentConfig kiosk() {
  return parse_config(
      "[[device]]\nname = \"touch\"\ndriver = \"presence\"\nport = \"usb-list:0eef:0001\"\n"
      "[[device]]\nname = \"printer\"\ndriver = \"escpos\"\nport = \"usb:04b8:0e15\"\n",
      "agent.toml");
}

UsbChange keyboard(bool arrived = true, std::string path = "1-2") {
  return {arrived, 0x1a2c, 0x0e24, std::move(path), arrived ? "USB Keyboard" : "", {0x03}};
}

}  // namespace

TEST_CASE("a device that is not configured is told with its numbers, what it is and where") {
  Strangers strangers;
  strangers.use(kiosk());
  CHECK_FALSE(strangers.changed({true, 0x0eef, 0x0001, "1-1", "Touch", {0x03}}, t0));
  CHECK_FALSE(strangers.changed({false, 0x04b8, 0x0e15, "1-3", "", {}}, t0));
  const auto in = strangers.changed(keyboard(), t0);
  REQUIRE(in);
  CHECK(in->code == "usb-plugged-in");
  CHECK(in->detail == "1a2c:0e24 \"USB Keyboard\" class=03 path=1-2");
  // What left says nothing of itself any more.
  const auto out = strangers.changed({false, 0x1a2c, 0x0e24, "1-2", "", {}}, t0 + 1s);
  REQUIRE(out);
  CHECK(out->code == "usb-pulled-out");
  CHECK(out->detail == "1a2c:0e24 \"USB Keyboard\" class=03 path=1-2");
  // It was there before the agent was.
  const auto old = strangers.changed({false, 0x0951, 0x1666, "1-4", "", {}}, t0 + 2s);
  REQUIRE(old);
  CHECK(old->detail == "0951:1666 path=1-4");
  const auto stick = strangers.changed({true, 0x0951, 0x1666, "1-4", "Stick", {0x03, 0x08}}, t0);
  REQUIRE(stick);
  CHECK(stick->detail == "0951:1666 \"Stick\" class=03,08 path=1-4");
}

TEST_CASE("a device that is configured later is no stranger any more") {
  Strangers strangers;
  strangers.use(parse_config("", "agent.toml"));
  CHECK(strangers.changed({true, 0x0eef, 0x0001, "1-1", "Touch", {0x03}}, t0));
  strangers.use(kiosk());
  CHECK_FALSE(strangers.changed({false, 0x0eef, 0x0001, "1-1", "", {}}, t0));
}

TEST_CASE("what a device calls itself is one short word in quotes, whatever it sends") {
  Strangers strangers;
  auto odd = keyboard();
  odd.name = "a\"b\nc\x1b[31m\xff" + std::string(500, 'x');
  const auto note = strangers.changed(odd, t0);
  REQUIRE(note);
  CHECK(note->detail.starts_with("1a2c:0e24 \"a?b?c?[31m?x"));
  CHECK(note->detail.size() < 120);
  CHECK(std::ranges::count(note->detail, '"') == 2);
}

TEST_CASE("a loose plug makes a bounded number of notes, and what was held back is counted") {
  Strangers strangers;
  std::size_t told = 0;
  for (int i = 0; i < 200; ++i) {
    if (strangers.changed(keyboard(i % 2 == 0), t0 + i * 1s)) ++told;
  }
  CHECK(told == Strangers::notes_most);
  const auto later = strangers.changed(keyboard(), t0 + Strangers::notes_in + 1min);
  REQUIRE(later);
  CHECK(later->detail.ends_with(" held_back=180"));
  const auto next = strangers.changed(keyboard(false), t0 + Strangers::notes_in + 2min);
  REQUIRE(next);
  CHECK(next->detail.find("held_back") == std::string::npos);
}
