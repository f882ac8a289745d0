#include <regex>

#include "collector/store/sqlite/sqlite_queries.hpp"
#include "tests/collector/gateway_bed.hpp"

using namespace kw;
using namespace kw::collector;
using namespace kw::collector::tests;

namespace {

struct Knocking : GatewayBed {
  using GatewayBed::GatewayBed;
  link::HttpResponse knock(const Kiosk& kiosk, std::map<std::string, std::string> facts = {}) {
    return post("simpleenroll", kiosk.csr, {}, std::move(facts));
  }
  std::vector<ProvisioningRow> list() {
    auto queries = SqliteQueries::open(folder / "collector.db", clock);
    return *(*queries)->provisioning();
  }
};

std::string key_of(const Kiosk& kiosk) {
  return identity::check_request(kiosk.csr)->public_key_sha256;
}

}  // namespace

TEST_CASE("a kiosk without a token waits, is approved by its key, and nobody else gets in") {
  Knocking bed;
  Kiosk kiosk;
  const Kiosk stranger;
  const auto first = bed.knock(kiosk, {{"x-kioskwatch-hostname", "hall-3"}});
  CHECK(first.status == 202);
  CHECK(first.headers.at("retry-after") == "30");
  CHECK(first.body.find(identity::fingerprint(key_of(kiosk))) != std::string::npos);
  CHECK(bed.knock(kiosk).status == 202);
  CHECK(bed.knock(stranger).status == 202);
  auto rows = bed.list();
  REQUIRE(rows.size() == 2);
  const auto row = rows[0].key_sha256 == key_of(kiosk) ? rows[0] : rows[1];
  CHECK(row.knocks == 2);
  CHECK(row.address == "127.0.0.1");
  CHECK(row.state == ProvisioningState::waiting);

  const auto done = bed.ask("provisioning-approve", {{"id", row.id}, {"terminal", "K7"}});
  REQUIRE(done);
  CHECK(done->at("fingerprint").as_string() == identity::fingerprint(key_of(kiosk)));
  CHECK(bed.knock(stranger).status == 202);
  GatewayBed::take(kiosk, bed.knock(kiosk));
  CHECK(identity::Certificate::parse(kiosk.own.chain_pem)->common_name == "K7");
  CHECK(bed.session(kiosk));
  CHECK(bed.count("SELECT count(*) FROM audit WHERE action IN ('kiosk.knock', "
                  "'provisioning.approve', 'kiosk.enrol')") == 4);

  // The answer was lost on the way: the same key gets another one.
  CHECK(bed.knock(kiosk).status == 200);
  // Revoked, its old approval is worth nothing.
  REQUIRE(bed.ask("revoke", {{"terminal", "K7"}}));
  CHECK(bed.knock(kiosk).status == 202);
  CHECK(bed.knock_on_agent_port(kiosk) == "revoked");
}

TEST_CASE("a rejected kiosk is told so; decisions name what they cannot do") {
  Knocking bed;
  const Kiosk kiosk;
  REQUIRE(bed.knock(kiosk).status == 202);
  const auto id = bed.list().front().id;
  CHECK(bed.ask("provisioning-approve", {{"id", id}, {"terminal", "a b"}}).error().code() ==
        Errc::invalid);
  CHECK(bed.ask("provisioning-approve", {{"id", id}}).error().code() == Errc::invalid);
  CHECK(bed.ask("provisioning-reject", {{"id", "none"}}).error().code() == Errc::missing);
  REQUIRE(bed.ask("provisioning-reject", {{"id", id}}));
  const auto answer = bed.knock(kiosk);
  CHECK(answer.status == 403);
  CHECK(answer.body.find("\"rejected\"") != std::string::npos);
  // Who changes his mind may.
  REQUIRE(bed.ask("provisioning-approve", {{"id", id}, {"terminal", "K1"}}));
  CHECK(bed.ask("provisioning-approve", {{"id", id}, {"terminal", "K2"}}).error().code() ==
        Errc::refused);
  CHECK(bed.knock(kiosk).status == 200);
  CHECK(bed.ask("provisioning-reject", {{"id", id}}).error().code() == Errc::refused);
}

TEST_CASE("an approval that nobody uses for three days is worth nothing") {
  Knocking bed;
  const Kiosk kiosk;
  REQUIRE(bed.knock(kiosk).status == 202);
  REQUIRE(bed.ask("provisioning-approve", {{"id", bed.list().front().id}, {"terminal", "K1"}}));
  bed.clock.shift = std::chrono::hours{73};
  CHECK(bed.knock(kiosk).status == 202);
  CHECK(bed.list().front().state == ProvisioningState::waiting);
}

TEST_CASE("the list is bounded, by address and in all, and an approved kiosk keeps its place") {
  Enrolment::Settings settings;
  settings.provisioning.entries = 3;
  settings.provisioning.per_address = 100;
  Knocking bed{{}, settings};
  std::vector<Kiosk> kiosks(5);
  REQUIRE(bed.knock(kiosks[0]).status == 202);
  REQUIRE(bed.ask("provisioning-approve", {{"id", bed.list().front().id}, {"terminal", "K1"}}));
  for (std::size_t i = 1; i < kiosks.size(); ++i) {
    bed.clock.shift += 1s;
    REQUIRE(bed.knock(kiosks[i]).status == 202);
  }
  std::vector<std::string> held;
  for (const auto& row : bed.list()) held.push_back(row.key_sha256);
  CHECK(held == std::vector{key_of(kiosks[4]), key_of(kiosks[3]), key_of(kiosks[0])});
  CHECK(bed.knock(kiosks[0]).status == 200);

  settings.provisioning = {};
  settings.provisioning.per_address = 2;
  Knocking narrow{{}, settings};
  CHECK(narrow.knock(kiosks[0]).status == 202);
  CHECK(narrow.knock(kiosks[1]).status == 202);
  CHECK(narrow.knock(kiosks[2]).status == 429);
  CHECK(narrow.knock(kiosks[1]).status == 202);
  CHECK(narrow.list().size() == 2);
}

TEST_CASE(
    "what a stranger says of itself is cut to plain text, and broken requests leave nothing") {
  Knocking bed;
  const Kiosk kiosk;
  const std::string hostile = "<b>\xe5\x93\x88" + std::string(200, 'x');
  REQUIRE(bed.knock(kiosk, {{"x-kioskwatch-hostname", hostile}}).status == 202);
  const auto row = bed.list().front();
  CHECK(row.facts.hostname == "<b>???" + std::string(64 - 6, 'x'));
  CHECK(bed.knock(kiosk, {{"x-kioskwatch-os", "\x1b[31m"}}).status == 400);
  CHECK(bed.post("simpleenroll", "nonsense", {}).status == 400);
  CHECK(bed.post("simpleenroll", "", {}).status == 400);
  CHECK(bed.list().size() == 1);
}

TEST_CASE("who knocks on and on is told to wait, and the writer is left alone") {
  Knocking bed;
  const Kiosk kiosk;
  int answered = 0;
  link::HttpResponse last;
  for (int i = 0; i < 70; ++i) {
    last = bed.knock(kiosk);
    if (last.status == 202) ++answered;
  }
  CHECK(answered == 60);
  CHECK(last.status == 429);
  CHECK(last.headers.contains("retry-after"));
}
