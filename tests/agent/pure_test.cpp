// Debounce, Presence, Backoff and the power record: decisions without clock or port.
#include <doctest/doctest.h>

#include "agent/debounce/debounce.hpp"
#include "agent/debounce/presence.hpp"
#include "agent/power.hpp"
#include "agent/uplink/backoff.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

namespace {

MonoTime at(Duration since) { return MonoTime{since}; }

wire::Status online() {
  wire::Status out;
  out.device = wire::DeviceState::online;
  out.evidence = wire::Evidence::protocol_reply;
  return out;
}

wire::Status jammed() {
  auto out = online();
  out.media = wire::Media::jammed;
  return out;
}

}  // namespace

TEST_CASE("without a settle time a change is reported at once and a repetition never") {
  Debounce debounce{0ms};
  CHECK(debounce.observe(online(), at(0s)));
  CHECK_FALSE(debounce.observe(online(), at(5s)));
  CHECK(debounce.observe(jammed(), at(6s)));
  CHECK(debounce.observe(online(), at(7s)));
}

TEST_CASE("a fault shorter than the settle time is never reported") {
  Debounce debounce{2s};
  debounce.observe(online(), at(0s));
  CHECK(debounce.observe(online(), at(2s)));
  CHECK_FALSE(debounce.observe(jammed(), at(10s)));
  CHECK(debounce.decides_at() == at(12s));
  CHECK_FALSE(debounce.observe(online(), at(11s)));
  CHECK_FALSE(debounce.decides_at());
  CHECK_FALSE(debounce.observe(online(), at(20s)));
}

TEST_CASE("a change that lasts for the settle time is reported once") {
  Debounce debounce{2s};
  debounce.observe(online(), at(0s));
  debounce.observe(online(), at(2s));
  CHECK_FALSE(debounce.observe(jammed(), at(10s)));
  CHECK_FALSE(debounce.observe(jammed(), at(11s)));
  const auto seen = debounce.observe(jammed(), at(12s));
  REQUIRE(seen);
  CHECK(seen->media == wire::Media::jammed);
  CHECK_FALSE(debounce.observe(jammed(), at(13s)));
}

TEST_CASE("measurements alone are no change of state") {
  Debounce debounce{0ms};
  debounce.observe(online(), at(0s));
  auto warmer = online();
  warmer.measurements.push_back({"temperature_celsius", 41});
  CHECK_FALSE(debounce.observe(warmer, at(1s)));
}

TEST_CASE("after forgetting, the same status is a change again") {
  Debounce debounce{0ms};
  debounce.observe(online(), at(0s));
  debounce.forget();
  CHECK(debounce.observe(online(), at(1s)));
}

TEST_CASE("two misses in a row are doubted, the third is reported") {
  Presence presence;
  const Error silence{Errc::timeout, "no reply within 400 ms"};
  CHECK_FALSE(presence.missed(Step::poll, silence));
  CHECK(presence.doubtful());
  CHECK_FALSE(presence.missed(Step::poll, silence));
  CHECK(presence.doubtful());
  const auto seen = presence.missed(Step::poll, silence);
  REQUIRE(seen);
  CHECK_FALSE(presence.doubtful());
  CHECK(seen->device == wire::DeviceState::offline);
  CHECK(seen->conditions.at(0).code == "no-reply");
  CHECK(wire::health_of(*seen) == wire::Health::fault);
}

TEST_CASE("an answer between misses starts the count anew") {
  Presence presence;
  const Error silence{Errc::timeout, "x"};
  presence.missed(Step::poll, silence);
  presence.missed(Step::poll, silence);
  presence.answered();
  CHECK_FALSE(presence.missed(Step::poll, silence));
  CHECK(presence.misses() == 1);
}

TEST_CASE("a miss that goes on says the same however its sentence varies") {
  Presence presence;
  for (int i = 0; i < 2; ++i) presence.missed(Step::poll, Error{Errc::timeout, "first"});
  const auto first = presence.missed(Step::poll, Error{Errc::timeout, "after 401 ms"});
  const auto second = presence.missed(Step::poll, Error{Errc::timeout, "after 409 ms"});
  REQUIRE(first);
  REQUIRE(second);
  CHECK(wire::same_state(*first, *second));
}

TEST_CASE("how a device is absent decides what it is reported as") {
  struct Row {
    Step step;
    Errc code;
    wire::DeviceState state;
    std::string_view condition;
    wire::Health health;
  };
  const Row rows[] = {
      {Step::port, Errc::missing, wire::DeviceState::no_device, "not-present", wire::Health::fault},
      {Step::port, Errc::refused, wire::DeviceState::offline, "no-reply", wire::Health::fault},
      {Step::port, Errc::timeout, wire::DeviceState::offline, "no-reply", wire::Health::fault},
      {Step::port, Errc::busy, wire::DeviceState::unknown, "", wire::Health::unknown},
      {Step::probe, Errc::refused, wire::DeviceState::no_device, "wrong-device",
       wire::Health::fault},
      {Step::probe, Errc::timeout, wire::DeviceState::offline, "no-reply", wire::Health::fault},
      {Step::poll, Errc::garbled, wire::DeviceState::offline, "no-reply", wire::Health::fault},
      {Step::poll, Errc::busy, wire::DeviceState::unknown, "", wire::Health::unknown},
  };
  for (const auto& row : rows) {
    CAPTURE(static_cast<int>(row.step));
    CAPTURE(name(row.code));
    const auto seen = absent(row.step, Error{row.code, "why"});
    CHECK(seen.device == row.state);
    CHECK(wire::health_of(seen) == row.health);
    if (row.condition.empty()) {
      CHECK(seen.conditions.empty());
      CHECK(seen.evidence == wire::Evidence::shared_busy);
    } else {
      REQUIRE(seen.conditions.size() == 1);
      CHECK(seen.conditions[0].code == row.condition);
    }
  }
}

TEST_CASE("the first pause after a lost session is spread, later ones double up to the cap") {
  Backoff::Options options{.first = 1s, .cap = 60s, .spread = 30s};
  Duration longest_first{};
  Duration longest_late{};
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff{options, seed};
    backoff.established();
    const auto spread = backoff.next(wire::AfterClose::back_off, std::nullopt);
    REQUIRE(spread);
    CHECK(*spread <= 30s);
    longest_first = std::max(longest_first, *spread);
    CHECK(*backoff.next(wire::AfterClose::back_off, std::nullopt) <= 1s);
    CHECK(*backoff.next(wire::AfterClose::back_off, std::nullopt) <= 2s);
    for (int i = 0; i < 100; ++i) {
      const auto late = backoff.next(wire::AfterClose::back_off, std::nullopt);
      CHECK(*late <= 60s);
      longest_late = std::max(longest_late, *late);
    }
  }
  CHECK(longest_first > 20s);
  CHECK(longest_late > 50s);
}

TEST_CASE("the collector's hint is honoured and spread, never shortened") {
  Backoff backoff{{.first = 1s, .cap = 5s, .spread = 60s}, 7};
  for (int i = 0; i < 50; ++i) {
    const auto wait = backoff.next(wire::AfterClose::wait_as_told, 20s);
    REQUIRE(wait);
    CHECK(*wait >= 20s);
    CHECK(*wait <= 40s);
  }
}

TEST_CASE("dialling stops only where it cannot help") {
  Backoff backoff{{}, 7};
  CHECK_FALSE(backoff.next(wire::AfterClose::stop_and_alarm, 20s));
  const auto refused = backoff.next(wire::AfterClose::re_enroll, std::nullopt);
  REQUIRE(refused);
  CHECK(*refused >= 150s);
  CHECK(*refused <= 300s);
}

TEST_CASE("a start is a boot when the boot id is new, unexpected when nobody said goodbye") {
  const auto first = power_at_start(std::nullopt, "b1");
  CHECK(first.kind() == pb::Power::BOOT);
  CHECK_FALSE(first.unexpected());
  const auto restart = power_at_start(LastRun{"b1", true, 5}, "b1");
  CHECK(restart.kind() == pb::Power::AGENT_START);
  CHECK_FALSE(restart.unexpected());
  const auto crash = power_at_start(LastRun{"b1", false, 5}, "b1");
  CHECK(crash.kind() == pb::Power::AGENT_START);
  CHECK(crash.unexpected());
  const auto power_cut = power_at_start(LastRun{"b1", false, 5}, "b2");
  CHECK(power_cut.kind() == pb::Power::BOOT);
  CHECK(power_cut.unexpected());
  CHECK(power_cut.last_seen_wall_us() == 5);
}
