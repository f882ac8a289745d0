#include "tests/collector/gateway_bed.hpp"

using namespace kw;
using namespace kw::collector;
using namespace kw::collector::tests;

namespace {

Kiosk renewed(GatewayBed& bed, const Kiosk& old) {
  Kiosk fresh;
  GatewayBed::take(fresh, bed.post("simplereenroll", fresh.csr, old));
  fresh.epoch = old.epoch;
  return fresh;
}

}  // namespace

TEST_CASE(
    "a kiosk renews for its own terminal; the old certificate serves a day after the new one") {
  GatewayBed bed;
  const auto old = bed.enrolled("K1");
  static_cast<void>(bed.session(old));
  bed.clock.shift = 61 * identity::day;
  const auto fresh = renewed(bed, old);
  const auto certificate = *identity::Certificate::parse(fresh.own.chain_pem);
  CHECK(certificate.common_name == "K1");
  CHECK(bed.count("SELECT count(*) FROM audit WHERE action='kiosk.renew' AND "
                  "object='terminal/K1'") == 1);

  // Not used yet: the old one lasts as long as it says.
  bed.clock.shift = 65 * identity::day;
  CHECK(bed.knock_on_agent_port(old) == "link");
  const auto link = bed.session(fresh);
  bed.loop.until([&] {
    return bed.count("SELECT count(*) FROM certificate WHERE superseded_at IS NOT NULL") == 1;
  });
  bed.loop.settle(20ms);
  CHECK(bed.knock_on_agent_port(old) == "link");
  bed.clock.shift = 66 * identity::day + std::chrono::hours{1};
  CHECK(bed.knock_on_agent_port(old) == "superseded");
  CHECK(bed.knock_on_agent_port(fresh) == "link");
  CHECK(bed.post("simplereenroll", old.csr, old).status == 403);
}

TEST_CASE("what was superseded stays so over a restart of the collector") {
  GatewayBed bed;
  const auto old = bed.enrolled("K1");
  const auto fresh = renewed(bed, old);
  const auto link = bed.session(fresh);
  bed.loop.until([&] {
    return bed.count("SELECT count(*) FROM certificate WHERE superseded_at IS NOT NULL") == 1;
  });
  auto store = *SqliteStore::open(bed.folder / "collector.db");
  Registry registry;
  registry.put(store->certificates());
  link::PeerCertificate peer;
  peer.present = peer.chain_ok = true;
  peer.serial = identity::Certificate::parse(old.own.chain_pem)->serial;
  peer.common_name = "K1";
  CHECK_FALSE(registry.admit(peer, bed.clock.wall() + std::chrono::hours{23}));
  CHECK(registry.admit(peer, bed.clock.wall() + std::chrono::hours{25})->code == "superseded");
}

TEST_CASE("an expired certificate opens nothing but its own renewal, for a year") {
  GatewayBed bed{{}, {.life = 2 * identity::day}};
  const auto old = bed.enrolled("K1");
  bed.clock.shift = 3 * identity::day;
  CHECK(bed.knock_on_agent_port(old) == "expired");
  const auto fresh = renewed(bed, old);
  CHECK(bed.knock_on_agent_port(fresh) == "link");
  bed.clock.shift = 368 * identity::day;
  const auto late = bed.post("simplereenroll", old.csr, old);
  CHECK(late.status == 403);
  CHECK(late.body.find("expired-too-long") != std::string::npos);
}

TEST_CASE("renewing needs a certificate and a proper request, and is no way to fill the table") {
  GatewayBed bed{{}, {.certificates_a_day = 3}};
  const auto kiosk = bed.enrolled("K1");
  CHECK(bed.post("simplereenroll", kiosk.csr, {}).status == 401);
  CHECK(bed.post("simplereenroll", "nonsense", kiosk).status == 400);
  CHECK(bed.post("simplereenroll", kiosk.csr, kiosk).status == 200);
  CHECK(bed.post("simplereenroll", kiosk.csr, kiosk).status == 200);
  const auto much = bed.post("simplereenroll", kiosk.csr, kiosk);
  CHECK(much.status == 429);
  CHECK(much.headers.contains("retry-after"));
  CHECK(bed.count("SELECT count(*) FROM certificate") == 3);
  CHECK_FALSE(bed.writer.figures().failing);
}
