#include "tests/collector/gateway_bed.hpp"

using namespace kw;
using namespace kw::collector;
using namespace kw::collector::tests;

TEST_CASE("a revoked certificate's session ends with 4010, and nothing opens with it any more") {
  GatewayBed bed;
  const auto kiosk = bed.enrolled("K1");
  const auto other = bed.enrolled("K2");
  auto link = bed.session(kiosk);
  auto bystander = bed.session(other);
  const auto resumable = bed.tls(kiosk);
  {
    auto warm = bed.loop.run(link::dial(bed.at, resumable));  // leaves a ticket
    REQUIRE(warm);
    REQUIRE(bed.loop.run((*warm)->send(std::string(1, 'x'))));
    static_cast<void>(bed.loop.run((*warm)->receive()));
  }
  const auto done = bed.ask("revoke", {{"terminal", "K1"}, {"reason", "stolen"}});
  REQUIRE(done);
  CHECK(done->at("revoked").as_array().size() == 1);

  const SystemClock clock;
  const auto asked = clock.mono();
  auto bye = bed.next(*link);
  REQUIRE(bye);
  CHECK(bye->bye().code() == 4010);
  CHECK_FALSE(bed.next(*link));
  CHECK(link->close_code() == 4010);
  bed.loop.until([&] { return bed.gateway.figures().sessions == 1; });
  CHECK(clock.mono() - asked < Duration{5s});

  CHECK(bed.knock_on_agent_port(kiosk) == "revoked");
  std::optional<link::Refusal> said;
  CHECK_FALSE(bed.loop.run(link::dial(bed.at, resumable, 10s, &said)));
  REQUIRE(said);
  CHECK(said->code == "revoked");
  CHECK(bed.post("simplereenroll", kiosk.csr, kiosk).status == 403);
  CHECK(bed.count("SELECT count(*) FROM audit WHERE action='certificate.revoke' AND "
                  "object='terminal/K1' AND after_value='stolen'") == 1);

  // The other terminal noticed nothing.
  pb::Envelope probe;
  probe.mutable_heartbeat()->set_want_reply(true);
  bed.send(*bystander, probe);
  CHECK(bed.next(*bystander)->has_heartbeat_reply());

  // A new token makes the terminal whole again.
  const auto again = bed.enrolled("K1");
  CHECK(bed.session(again));
  CHECK(bed.knock_on_agent_port(kiosk) == "revoked");
}

TEST_CASE("a revoked kiosk that reads nothing and says nothing is gone within 5 s all the same") {
  GatewayBed bed;
  const auto kiosk = bed.enrolled("K1");
  const auto link = bed.session(kiosk);
  const SystemClock clock;
  const auto asked = clock.mono();
  REQUIRE(bed.ask("revoke", {{"terminal", "K1"}}));
  bed.loop.until([&] { return bed.gateway.figures().sessions == 0; });
  CHECK(clock.mono() - asked < Duration{5s});
}

TEST_CASE("what was sent by a revoked kiosk after its revocation is not stored") {
  GatewayBed bed;
  const auto kiosk = bed.enrolled("K1");
  auto link = bed.session(kiosk);
  pb::Envelope snapshot;
  snapshot.mutable_snapshot()->set_as_of_epoch(kiosk.epoch);
  bed.send(*link, snapshot);
  REQUIRE(bed.ask("revoke", {{"terminal", "K1"}}));
  pb::Envelope batch;
  batch.mutable_batch()->set_epoch(kiosk.epoch);
  batch.mutable_batch()->set_first(1);
  batch.mutable_batch()->set_last(1);
  batch.mutable_batch()->add_item()->mutable_event()->mutable_power()->set_kind(pb::Power::BOOT);
  static_cast<void>(bed.loop.run(link->send(wire::encode(batch))));
  bed.loop.until([&] { return bed.gateway.figures().sessions == 0; });
  CHECK(bed.count("SELECT count(*) FROM event_block") == 0);
}

TEST_CASE("revoking takes one serial or all, drops unused tokens, and says what does not exist") {
  GatewayBed bed;
  const auto first = bed.enrolled("K1");
  const auto second = bed.enrolled("K1");
  const auto serial = identity::Certificate::parse(first.own.chain_pem)->serial;
  CHECK(bed.ask("revoke", {{"terminal", "none"}}).error().code() == Errc::missing);
  CHECK(bed.ask("revoke", {{"terminal", "K1"}, {"serial", "00"}}).error().code() == Errc::missing);
  CHECK(bed.ask("revoke", {{"terminal", 7}}).error().code() == Errc::invalid);
  CHECK(bed.ask("revoke", {{"terminal", "K1"}, {"reason", std::string(501, 'x')}}).error().code() ==
        Errc::invalid);
  CHECK(bed.count("SELECT count(*) FROM certificate WHERE revoked_at IS NOT NULL") == 0);
  CHECK_FALSE(bed.writer.figures().failing);  // a person's mistake is no failure of the store

  REQUIRE(bed.ask("revoke", {{"terminal", "K1"}, {"serial", serial}}));
  CHECK(bed.knock_on_agent_port(first) == "revoked");
  CHECK(bed.knock_on_agent_port(second) == "link");

  REQUIRE(bed.ask("token-new", {{"terminal", "K1"}}));
  const auto all = bed.ask("revoke", {{"terminal", "K1"}});
  REQUIRE(all);
  CHECK(all->at("revoked").as_array().size() == 1);
  CHECK(bed.knock_on_agent_port(second) == "revoked");
  CHECK(bed.count("SELECT count(*) FROM enrolment_token WHERE used_at IS NULL") == 0);
  CHECK(bed.ask("revoke", {{"terminal", "K1"}})->at("revoked").as_array().empty());
}
