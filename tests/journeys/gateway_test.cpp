// Who may come in, and when: revocation, approval, overload, drain and stop, on real programs. What
// is kept apart may never be lost: the ledger judges each journey.
#include <csignal>
#include <fstream>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>

#include "common/clock.hpp"
#include "common/link/http.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

void check_same(const AgentRig& agent, const CollectorRig& collector) {
  const auto wrong =
      differences(kept_in_outbox(agent.data()), stored_in_blocks(collector.database()));
  for (const auto& line : wrong) MESSAGE(line);
  CHECK(wrong.empty());
}

/// Everything written is acknowledged; then both are stopped and compared.
void settle(PrintersRig& printers, AgentRig& agent, CollectorRig& collector) {
  printers.kill();
  // Connected, so that its last word, the announced stop, arrives too.
  REQUIRE(eventually(
      60s, [&] { return agent.status("/uplink/phase") == "live" && agent.unacknowledged() == 0; }));
  CHECK(agent.stop() == 0);
  CHECK(collector.stop() == 0);
  check_same(agent, collector);
}

Task<void> ask_into(link::Endpoint at, link::HttpRequest request, link::HttpResponse& out) {
  auto answer = co_await link::http_request(at, nullptr, std::move(request), 10s);
  if (answer) out = std::move(*answer);
}

/// The collector's API.
link::HttpResponse asked(const CollectorRig& collector, const std::string& method,
                         const std::string& path, const std::string& body = {}) {
  link::HttpRequest request;
  request.method = method;
  request.target = path;
  request.body = body;
  request.headers["content-type"] = "application/json";
  link::HttpResponse out{.status = 0};
  asio::io_context io{1};
  spawn(io, "ask", ask_into(*link::Endpoint::parse(collector.people()), std::move(request), out));
  io.run();
  return out;
}

int count_in(const std::filesystem::path& file, const std::string& what) {
  std::ifstream in{file};
  const std::string text{std::istreambuf_iterator<char>{in}, {}};
  int out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++out;
  return out;
}

}  // namespace

TEST_CASE(
    "a revoked kiosk is out at once, says so, loses nothing and comes back with a new token") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig printers{folder / "printers", 2, 200, 120};
  AgentRig agent{folder / "agent", printers.configuration()};
  agent.enroll(collector, "K1");
  agent.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 20; }));

  const auto revoked = collector.command({"revoke", "--terminal", "K1", "--reason", "stolen"});
  CHECK(revoked.code == 0);
  CHECK(revoked.text.find("K1") != std::string::npos);
  REQUIRE(eventually(5s, [&] { return agent.status("/uplink/refusal") == "revoked"; }));
  CHECK(agent.status("/uplink/phase") == "refused");
  const auto then = collector.stored_events();
  REQUIRE(eventually(30s, [&] { return agent.unacknowledged() > 20; }));
  CHECK(collector.stored_events() == then);
  CHECK(collector.command({"revoke", "--terminal", "none"}).code != 0);

  const auto again = agent.enroll_with(
      {"--server", "https://" + collector.agents(), "--token", collector.token("K1"), "--force"});
  REQUIRE_MESSAGE(again.code == 0, again.text);
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > then + 20; }));
  settle(printers, agent, collector);
}

TEST_CASE("a kiosk without a token comes in once a person has approved its fingerprint") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig printers{folder / "printers", 2, 200, 120};
  AgentRig agent{folder / "agent", printers.configuration()};
  const auto ca = collector.command({"ca"});
  REQUIRE(ca.code == 0);
  const auto pin = ca.text.substr(ca.text.find_last_of(' ') + 1, 64);
  const std::vector<std::string> knock{"--server", "https://" + collector.agents(), "--ca-sha256",
                                       pin};
  const auto first = agent.enroll_with(knock);
  CHECK(first.code == 3);
  const auto listed = collector.command({"provisioning", "list", "--json"});
  REQUIRE(listed.code == 0);
  const auto row = boost::json::parse(listed.text.substr(0, listed.text.find('\n'))).as_object();
  CHECK(first.text.find(row.at("fingerprint").as_string().c_str()) != std::string::npos);
  CHECK(row.at("state") == "waiting");
  const std::string id{row.at("id").as_string()};
  CHECK(collector.command({"provisioning", "approve", "no-such", "--terminal", "K9"}).code != 0);
  const std::string list = "/api/v1/provisioning";
  CHECK(asked(collector, "GET", list).body.find(id) != std::string::npos);
  CHECK(asked(collector, "POST", list + "/no-such/reject").status == 404);
  CHECK(asked(collector, "POST", list + "/" + id + "/approve").status == 400);
  CHECK(asked(collector, "POST", list + "/" + id + "/approve", R"({"terminal":"a b"})").status ==
        400);
  CHECK(asked(collector, "POST", list + "/" + id + "/reject").status == 200);
  CHECK(agent.enroll_with(knock).code == 1);
  REQUIRE(collector.command({"provisioning", "approve", id, "--terminal", "K9"}).code == 0);
  CHECK(asked(collector, "POST", list + "/" + id + "/approve", R"({"terminal":"K8"})").status ==
        409);
  const auto second = agent.enroll_with(knock);
  REQUIRE_MESSAGE(second.code == 0, second.text);
  agent.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 10; }));
  CHECK(agent.status("/terminal") == "K9");
  CHECK(agent.status("/certificate/renewal") == "scheduled");
  const std::string terminal = "/api/v1/terminals/K9/revoke";
  CHECK(asked(collector, "POST", terminal, R"({"serial":"00"})").status == 404);
  CHECK(asked(collector, "POST", terminal, R"({"why":"x"})").status == 400);
  CHECK(agent.status("/uplink/refusal").empty());
  const auto revoked = asked(collector, "POST", terminal, R"({"reason":"scrapped"})");
  CHECK(revoked.status == 200);
  REQUIRE(eventually(5s, [&] { return agent.status("/uplink/refusal") == "revoked"; }));
  const auto token = collector.token("K9");
  const auto back =
      agent.enroll_with({"--server", "https://" + collector.agents(), "--token", token, "--force"});
  REQUIRE_MESSAGE(back.code == 0, back.text);
  settle(printers, agent, collector);
}

TEST_CASE(
    "a collector that has no room says so; the kiosk waits, comes in later and loses nothing") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start({"--max-sessions", "1"});
  PrintersRig printers{folder / "printers", 2, 200, 120};
  AgentRig first{folder / "first", ""};
  first.enroll(collector, "K1");
  first.start();
  REQUIRE(eventually(30s, [&] { return first.status("/uplink/phase") == "live"; }));
  AgentRig second{folder / "second", printers.configuration()};
  const auto token = collector.token("K2");
  // The door is shut for enrolment too.
  const std::vector<std::string> how{"--server", "https://" + collector.agents(), "--token", token};
  CHECK(second.enroll_with(how).code == 3);
  first.stop();
  REQUIRE(eventually(10s, [&] { return second.enroll_with(how).code == 0; }));
  first.start();
  REQUIRE(eventually(30s, [&] { return first.status("/uplink/phase") == "live"; }));
  second.start();
  REQUIRE(eventually(30s, [&] { return second.status("/uplink/refusal") == "busy"; }));
  CHECK(asked(collector, "GET", "/healthz").status == 200);
  CHECK(asked(collector, "GET", "/metrics").body.find("\nkw_sessions 1\n") != std::string::npos);
  REQUIRE(eventually(30s, [&] { return second.unacknowledged() > 20; }));
  CHECK(first.status("/uplink/phase") == "live");
  first.stop();
  REQUIRE(eventually(60s, [&] { return second.status("/uplink/phase") == "live"; }));
  printers.kill();
  REQUIRE(eventually(60s, [&] { return second.unacknowledged() == 0; }));
  second.stop();
  CHECK(collector.stop() == 0);
  check_same(second, collector);
}

TEST_CASE("a drained collector lets nobody in until it is started again; nothing is lost") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig printers{folder / "printers", 4, 150, 120};
  AgentRig agent{folder / "agent", printers.configuration()};
  agent.enroll(collector, "K1");
  agent.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 20; }));
  const auto drained = collector.command({"drain", "--retry-after", "0.2"});
  CHECK(drained.code == 0);
  CHECK(drained.text.find(" 1 ") != std::string::npos);
  REQUIRE(eventually(30s, [&] { return agent.status("/uplink/refusal") == "busy"; }));
  const auto then = collector.stored_events();
  REQUIRE(eventually(30s, [&] { return agent.unacknowledged() > 20; }));
  CHECK(collector.stored_events() == then);
  CHECK(collector.stop() == 0);
  collector.start();
  REQUIRE(eventually(60s, [&] { return collector.stored_events() > then + 20; }));
  settle(printers, agent, collector);
}

TEST_CASE(
    "a collector told to stop ends in time and in order, also with a kiosk that stands still") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig printers{folder / "printers", 4, 150, 120};
  AgentRig agent{folder / "agent", printers.configuration()};
  agent.enroll(collector, "K1");
  AgentRig still{folder / "still", ""};
  still.enroll(collector, "K2");
  agent.start();
  still.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 20; }));
  REQUIRE(eventually(30s, [&] { return still.status("/uplink/phase") == "live"; }));
  still.signal(SIGSTOP);
  const SystemClock clock;
  const auto asked = clock.mono();
  CHECK(collector.stop() == 0);
  CHECK(clock.mono() - asked < Duration{20s});
  CHECK_FALSE(std::filesystem::exists(collector.database().string() + "-wal"));
  const auto then = collector.stored_events();
  collector.start();
  still.signal(SIGCONT);
  REQUIRE(eventually(60s, [&] { return collector.stored_events() > then + 20; }));
  REQUIRE(eventually(60s, [&] { return still.status("/uplink/phase") == "live"; }));

  // Asked twice: at once.
  still.signal(SIGSTOP);
  const auto again = clock.mono();
  const auto stops = count_in(collector.log(), " stopping ");
  collector.signal(SIGTERM);
  REQUIRE(eventually(5s, [&] { return count_in(collector.log(), " stopping ") > stops; }));
  collector.signal(SIGTERM);
  CHECK(collector.wait() == 0);
  CHECK(clock.mono() - again < Duration{8s});
  still.signal(SIGCONT);
  collector.start();
  settle(printers, agent, collector);
}
