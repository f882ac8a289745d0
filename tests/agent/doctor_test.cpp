// What doctor makes of a host: facts in, findings out.
#include "agent/ctl/doctor.hpp"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "common/platform/files.hpp"
#include "tests/link/fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace kw::agent::ctl;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

constexpr std::int64_t gib = 1024LL * 1024 * 1024;

json::object running(const char* version = KW_VERSION, std::int64_t offset_ms = 20) {
  auto out = json::parse(R"({"uplink":{},"outbox":{"bytes":1048576,"on_disk":true},
      "process":{"id":7,"resident_bytes":12582912,"cpu_ms":100,"up_ms":100000}})")
                 .as_object();
  out["version"] = version;
  out["uplink"].as_object()["clock_offset_ms"] = offset_ms;
  return out;
}

DoctorFacts healthy() {
  DoctorFacts out;
  out.data = "/data";
  out.config_file = "/agent.toml";
  out.status = running();
  out.identity = IdentityFiles{{"127.0.0.1", 1},
                               "T-1",
                               link_test::ours().good_kiosk(),
                               link_test::ours().root.certificate_pem};
  out.free_bytes = 10 * gib;
  out.folder = platform::Rights{"kiosk", false};
  out.key = platform::Rights{"kiosk", false};
  out.synchronised = true;
  out.now = link_test::real_now();
  return out;
}

/// "fail:disk-full" of the check with this id; "ok" when it is well.
std::string verdict(const DoctorFacts& facts, std::string_view id) {
  const auto checks = judge_host(facts, Lang::en);
  const auto it = std::ranges::find(checks, id, &Check::id);
  REQUIRE(it != checks.end());
  const bool wrong = it->outcome == Outcome::warn || it->outcome == Outcome::fail;
  if (wrong) CHECK_FALSE(it->advice.empty());
  return std::string{name(it->outcome)} + (wrong ? ":" + it->code : "");
}

/// A host with one device on a serial port.
struct Serial {
  explicit Serial(bool agent_runs) {
    facts = healthy();
    if (!agent_runs) facts.status = Error{Errc::missing, "no socket"};
    device.name = "printer";
    device.port = "serial:///dev/ttyS9";
    device.address.scheme = "serial";
    device.address.host = "/dev/ttyS9";
    facts.ports.push_back({&device, {true, true, "dialout", {}}, {}});
  }
  DoctorFacts facts;
  DeviceConfig device;
};

}  // namespace

TEST_CASE("a kiosk whose certificate the collector refuses is not well, whatever its files say") {
  auto facts = healthy();
  CHECK(verdict(facts, "identity") == "ok");
  auto& uplink = facts.status->at("uplink").as_object();
  uplink["connected"] = false;
  uplink["refusal"] = "busy";
  CHECK(verdict(facts, "identity") == "ok");
  uplink["refusal"] = "revoked";
  uplink["last_error"] = "is revoked";
  CHECK(verdict(facts, "identity") == "fail:revoked");
}

TEST_CASE("doctor says where the configuration comes from, and counts in good English") {
  auto facts = healthy();
  facts.pushed_hash = "0123456789abcdef";
  const auto checks = judge_host(facts, Lang::en);
  const auto it = std::ranges::find(checks, std::string{"config"}, &Check::id);
  REQUIRE(it != checks.end());
  CHECK(it->detail == "pushed by the collector (0123456789ab): 0 devices");
  Check warned;
  warned.outcome = Outcome::warn;
  CHECK(doctor_text({warned}, {}).find("0 faults, 1 warning\n") != std::string::npos);
}

TEST_CASE("a host that is well has nothing to complain of") {
  for (const auto lang : {Lang::en, Lang::zh_cn}) {
    for (const auto& check : judge_host(healthy(), lang)) {
      CHECK_MESSAGE(check.outcome == Outcome::ok, check.id << " " << check.detail);
    }
  }
}

TEST_CASE("an agent that does not run, cannot be asked, or is an old one") {
  auto facts = healthy();
  facts.status = Error{Errc::missing, "no socket"};
  CHECK(verdict(facts, "agent") == "fail:agent-not-running");
  CHECK(verdict(facts, "usage") == "skipped");
  facts.status = Error{Errc::refused, "not yours"};
  CHECK(verdict(facts, "agent") == "fail:agent-not-asked");
  facts.status = running("0.0.1");
  CHECK(verdict(facts, "agent") == "warn:version-differs");
}

TEST_CASE("a disk that is full, or too small for what the buffer may still take") {
  auto facts = healthy();
  facts.free_bytes = std::int64_t{10} * 1024 * 1024;
  CHECK(verdict(facts, "disk") == "fail:disk-full");
  facts.free_bytes = std::int64_t{100} * 1024 * 1024;
  CHECK(verdict(facts, "disk") == "warn:disk-small");
  facts.free_bytes = Error{Errc::storage, "Permission denied"};
  CHECK(verdict(facts, "disk") == "fail:disk-unknown");
}

TEST_CASE("a clock that is off by minutes is a warning, by more than a day a fault") {
  auto facts = healthy();
  facts.status = running(KW_VERSION, 5 * 60'000);
  CHECK(verdict(facts, "clock") == "warn:clock-wrong");
  facts.status = running(KW_VERSION, -2LL * 24 * 3'600'000);
  CHECK(verdict(facts, "clock") == "fail:clock-wrong");
  facts.status = running();
  facts.synchronised = false;
  CHECK(verdict(facts, "clock") == "warn:clock-not-synchronised");
}

TEST_CASE("a key that others can read is a fault") {
  auto facts = healthy();
  facts.folder->open_to_others = true;
  CHECK(verdict(facts, "rights") == "warn:rights-open");
  facts.key->open_to_others = true;
  CHECK(verdict(facts, "rights") == "fail:rights-open");
  facts.folder.reset();
  CHECK(verdict(facts, "rights") == "fail:rights-unseen");
}

TEST_CASE("a certificate near its end is told before it ends") {
  auto facts = healthy();
  facts.now += 80 * identity::day;
  CHECK(verdict(facts, "identity") == "warn:certificate-ends");
  facts.now += 80 * identity::day;
  CHECK(verdict(facts, "identity") == "fail:certificate-ended");
  facts.identity = Error{Errc::missing, "no file"};
  CHECK(verdict(facts, "identity") == "fail:not-enrolled");
}

TEST_CASE("a port that is missing, forbidden, held by another, or does not open") {
  Serial idle{false};
  auto& at = idle.facts.ports.front();
  at.opened = Result<void>{};
  CHECK(verdict(idle.facts, "port:printer") == "ok");
  at.opened = Result<void>{Error{Errc::timeout, "late"}};
  CHECK(verdict(idle.facts, "port:printer") == "fail:port-does-not-open");
  at.local.holders = {"business (77)"};
  CHECK(verdict(idle.facts, "port:printer") == "warn:port-in-use");
  at.local.allowed = false;
  CHECK(verdict(idle.facts, "port:printer") == "warn:port-in-use");  // dialout comes with the unit
  at.local.group = "staff";
  CHECK(verdict(idle.facts, "port:printer") == "fail:port-forbidden");
  at.local.exists = false;
  CHECK(verdict(idle.facts, "port:printer") == "fail:port-missing");
  idle.device.enabled = false;
  CHECK(verdict(idle.facts, "port:printer") == "ok");
}

TEST_CASE("while the agent runs its own word for a device counts") {
  Serial busy{true};
  busy.facts.ports.front().local.holders = {"kiosk-agent (7)"};
  busy.facts.devices = json::parse(R"({"devices":[{"name":"printer","misses":0}]})").as_object();
  CHECK(verdict(busy.facts, "port:printer") == "ok");
  busy.facts.devices = json::parse(R"({"devices":[{"name":"printer","misses":4,
      "conditions":[{"code":"offline"}]}]})")
                           .as_object();
  CHECK(verdict(busy.facts, "port:printer") == "fail:port-does-not-open");
}

TEST_CASE("a secret file is told to be the owner's alone") {
  tests::TempFolder folder;
  REQUIRE(platform::write_file(folder / "secret", "x", true));
  CHECK_FALSE(platform::rights_of(folder / "secret")->open_to_others);
  CHECK_FALSE(platform::rights_of(folder / "none"));
}
