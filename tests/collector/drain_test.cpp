#include "tests/collector/gateway_bed.hpp"

using namespace kw;
using namespace kw::collector;
using namespace kw::collector::tests;

namespace {

Gateway::Limits at_most(std::size_t sessions) {
  Gateway::Limits out;
  out.door.sessions = sessions;
  out.door.least = 2s;
  return out;
}

pb::Envelope batch(std::uint64_t epoch, std::uint64_t seq) {
  pb::Envelope out;
  out.mutable_batch()->set_epoch(epoch);
  out.mutable_batch()->set_first(seq);
  out.mutable_batch()->set_last(seq);
  out.mutable_batch()->add_item()->mutable_event()->mutable_power()->set_kind(pb::Power::BOOT);
  return out;
}

struct Drained {
  std::optional<std::size_t> sessions;
  Task<void> run(Gateway& gateway, Duration retry_after, Duration within) {
    sessions = co_await gateway.drain(retry_after, within);
  }
};

}  // namespace

TEST_CASE("a full collector says when to come again, and lets the next in when one has left") {
  GatewayBed bed{at_most(1)};
  const auto one = bed.enrolled("K1");
  const auto two = bed.enrolled("K2");
  auto link = bed.session(one);
  std::optional<link::Refusal> said;
  const auto refused = bed.loop.run(link::dial(bed.at, bed.tls(two), 10s, &said));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::busy);
  REQUIRE(said);
  CHECK(said->code == "busy");
  CHECK(*said->retry_after >= Duration{2s});
  CHECK(*said->retry_after <= Duration{4s});
  CHECK(bed.gateway.figures().turned_away == 1);
  // Who is in stays in.
  pb::Envelope probe;
  probe.mutable_heartbeat()->set_want_reply(true);
  bed.send(*link, probe);
  CHECK(bed.next(*link)->has_heartbeat_reply());
  bed.loop.run(link->close(1000, "done"));
  bed.loop.until([&] { return bed.gateway.figures().sessions == 0; });
  CHECK(bed.session(two));
}

TEST_CASE("a kiosk that passed the door before it was shut is told Busy in its own words") {
  GatewayBed bed;
  const auto kiosk = bed.enrolled("K1");
  auto link = bed.loop.run(link::dial(bed.at, bed.tls(kiosk)));
  REQUIRE(link);
  Drained drained;
  spawn(bed.loop.io, "drain", drained.run(bed.gateway, 7s, 100ms));
  auto told = bed.next(**link);
  REQUIRE(told);
  CHECK((told->has_busy() || told->has_drain()));
  bed.loop.until([&] { return drained.sessions.has_value(); });
}

TEST_CASE("draining acknowledges what is under way, sends everybody off and lets nobody in") {
  GatewayBed bed;
  const auto kiosk = bed.enrolled("K1");
  auto link = bed.session(kiosk);
  pb::Envelope snapshot;
  snapshot.mutable_snapshot()->set_as_of_epoch(kiosk.epoch);
  bed.send(*link, snapshot);
  Drained drained;
  bed.send(*link, batch(kiosk.epoch, 1));
  spawn(bed.loop.io, "drain", drained.run(bed.gateway, 3s, 10s));
  bool acked = false;
  bool told = false;
  while (!acked || !told) {
    auto frame = bed.next(*link);
    REQUIRE(frame);
    acked = acked || (frame->has_ack() && frame->ack().upto() == 1);
    if (frame->has_drain()) {
      told = true;
      CHECK(frame->drain().retry_after_ms() >= 3'000);
      CHECK(frame->drain().retry_after_ms() <= 6'000);
    }
  }
  CHECK_FALSE(drained.sessions);
  bed.loop.run(link->close(1000, "drain"));
  bed.loop.until([&] { return drained.sessions.has_value(); });
  CHECK(*drained.sessions == 1);
  CHECK(bed.gateway.figures().draining);
  CHECK(bed.knock_on_agent_port(kiosk) == "busy");
  CHECK(bed.count("SELECT count(*) FROM event_block") == 1);
}

TEST_CASE("a kiosk that does not leave is closed, one that does not even read is cut") {
  GatewayBed bed;
  const auto kiosk = bed.enrolled("K1");
  auto link = bed.session(kiosk);
  Drained drained;
  spawn(bed.loop.io, "drain", drained.run(bed.gateway, 1s, 50ms));
  bed.loop.until([&] { return drained.sessions.has_value(); });
  CHECK(bed.gateway.figures().sessions == 0);
  CHECK(bed.next(*link)->has_drain());
  CHECK(bed.next(*link)->bye().code() == 4000);
}

TEST_CASE("whoever asks twice does not wait for slow kiosks") {
  GatewayBed bed;
  const auto kiosk = bed.enrolled("K1");
  auto link = bed.session(kiosk);
  Drained drained;
  spawn(bed.loop.io, "drain", drained.run(bed.gateway, 1s, std::chrono::hours{1}));
  CHECK(bed.next(*link)->has_drain());
  bed.gateway.hurry();
  bed.loop.until([&] { return drained.sessions.has_value(); });
  CHECK(bed.gateway.figures().sessions == 0);
}
