// Garbage on every input of a running collector: a clear answer, nothing changed, nothing stopped.
#include <random>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "common/identity/random.hpp"
#include "common/link/link.hpp"
#include "common/platform/files.hpp"
#include "common/wire/close_codes.hpp"
#include "common/wire/codec.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

std::string text_of(const std::filesystem::path& file) {
  auto text = platform::read_file(file);
  REQUIRE(text);
  return *text;
}

template <class T>
Task<void> keep(Task<T> task, std::optional<T>& out) {
  out = co_await std::move(task);
}

/// Runs one coroutine to its end.
template <class T>
T run_task(Task<T> task) {
  asio::io_context io{1};
  std::optional<T> out;
  spawn(io, "test", keep(std::move(task), out));
  io.run();
  REQUIRE(out);
  return std::move(*out);
}

/// An enrolled kiosk's way to the collector, without the agent.
struct Kiosk {
  Kiosk(const AgentRig& agent, const CollectorRig& collector) {
    const auto identity = agent.data() / "identity";
    auto made = link::ClientTls::make(
        {.own = {text_of(identity / "chain.pem"), text_of(identity / "key.pem")},
         .trust_pem = text_of(identity / "ca.pem")});
    REQUIRE(made);
    tls = *made;
    auto parsed = link::Endpoint::parse(collector.agents());
    REQUIRE(parsed);
    at = *parsed;
  }
  std::shared_ptr<const link::ClientTls> tls;
  link::Endpoint at;
};

pb::Envelope hello(std::uint64_t epoch) {
  pb::Envelope out;
  auto& h = *out.mutable_hello();
  h.set_min_version(1);
  h.set_max_version(1);
  h.set_boot_id("boot");
  auto& held = *h.add_epoch();
  held.set_epoch(epoch);
  held.set_boot_id("boot");
  return out;
}

/// Sends the frames; what the collector said last before it closed.
Task<std::uint16_t> converse(link::Endpoint at, std::shared_ptr<const link::ClientTls> tls,
                             std::vector<std::string> frames) {
  auto opened = co_await link::dial(at, tls);
  if (!opened) co_return std::uint16_t{1};
  auto& link = **opened;
  for (auto& frame : frames) {
    auto sent = co_await link.send(std::move(frame));
    if (!sent) break;
  }
  for (;;) {
    auto got = co_await with_deadline(link.receive(), 5s);
    if (!got) co_return link.close_code();
    const auto envelope = wire::decode(*got);
    if (envelope && envelope->has_bye()) {
      co_return static_cast<std::uint16_t>(envelope->bye().code());
    }
  }
}

std::string batch_of(std::uint64_t epoch, std::uint64_t first, std::uint64_t last, int items) {
  pb::Envelope out;
  auto& batch = *out.mutable_batch();
  batch.set_epoch(epoch);
  batch.set_first(first);
  batch.set_last(last);
  for (int i = 0; i < items; ++i) {
    batch.add_item()->mutable_event()->mutable_state()->set_device("receipt");
  }
  return wire::encode(out);
}

std::string snapshot_of(std::uint64_t epoch) {
  pb::Envelope out;
  out.mutable_snapshot()->set_as_of_epoch(epoch);
  return wire::encode(out);
}

}  // namespace

TEST_CASE("malformed frames close their session with a reason and touch nothing else") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  AgentRig agent{folder / "agent", ""};
  agent.enroll(collector, "K1");
  const Kiosk kiosk{agent, collector};
  const auto said = [&](std::vector<std::string> frames) {
    return run_task(converse(kiosk.at, kiosk.tls, std::move(frames)));
  };
  const auto greeting = wire::encode(hello(5));
  CHECK(said({"garbage"}) == wire::close_garbled.code);
  CHECK(said({batch_of(5, 1, 1, 1)}) == wire::close_garbled.code);
  CHECK(said({greeting, batch_of(5, 1, 1, 1)}) == wire::close_garbled.code);
  CHECK(said({greeting, greeting}) == wire::close_garbled.code);
  CHECK(said({greeting, snapshot_of(5), batch_of(5, 1, 3, 1)}) == wire::close_garbled.code);
  CHECK(said({greeting, snapshot_of(5), batch_of(6, 1, 1, 1)}) == wire::close_lost_race.code);
  CHECK(said({greeting, snapshot_of(99)}) == wire::close_store_failed.code);
  auto future = hello(5);
  future.mutable_hello()->set_min_version(2);
  future.mutable_hello()->set_max_version(3);
  CHECK(said({wire::encode(future)}) == wire::close_version.code);

  std::mt19937 random{7};
  for (int i = 0; i < 200; ++i) {
    auto frame = i % 2 == 0 ? greeting : batch_of(5, 1, 20, 20);
    for (unsigned f = 0; f < 1 + random() % 8; ++f) {
      frame[random() % frame.size()] = static_cast<char>(random());
    }
    std::vector<std::string> frames{greeting, snapshot_of(5), std::move(frame), "end"};
    const auto code = said(std::move(frames));
    CHECK(code >= 4000);
  }
  // A good kiosk is served as before.
  agent.start();
  CHECK(eventually(20s, [&] { return agent.unacknowledged() == 0; }));
  agent.stop();
  CHECK(collector.stop() == 0);
}

TEST_CASE("the API answers garbage with a problem that says what to do, and changes nothing") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  const auto at = link::Endpoint::parse(collector.people());
  REQUIRE(at);
  const auto ask = [&](std::string method, std::string target, std::string body = {},
                       std::map<std::string, std::string> headers = {}) {
    link::HttpRequest request{
        std::move(method), std::move(target), std::move(headers), std::move(body), {}};
    auto answer = run_task(link::http_request(*at, nullptr, std::move(request), 10s));
    REQUIRE(answer);
    return *answer;
  };
  const auto problem = [&](const link::HttpResponse& answer, int status, std::string_view says) {
    CHECK(answer.status == status);
    CHECK(answer.headers.at("content-type") == "application/problem+json");
    CHECK_MESSAGE(answer.body.find(says) != std::string::npos, answer.body);
  };
  problem(ask("GET", "/nothing"), 404, "/api/v1/");
  problem(ask("GET", "/api/v1/nothing"), 404, "nothing");
  problem(ask("GET", "/api/v1/terminals/NONE"), 404, "no terminal NONE");
  problem(ask("GET", "/api/v1/orders?limit=0"), 400, "1 to 500");
  problem(ask("GET", "/api/v1/orders?limit=abc"), 400, "1 to 500");
  problem(ask("GET", "/api/v1/orders?stat=open"), 400, "known here");
  problem(ask("GET", "/api/v1/orders?state=lost"), 400, "lost");
  problem(ask("GET", "/api/v1/faults?state=maybe"), 400, "open or cleared");
  problem(ask("GET", "/api/v1/stats/faults?from=yesterday"), 400, "YYYY-MM-DD");
  problem(ask("DELETE", "/api/v1/orders"), 405, "GET");
  problem(ask("POST", "/api/v1/orders/1/accept"), 404, "no order 1");
  problem(ask("POST", "/api/v1/orders/1/explode"), 404, "accept, resolve or close");
  const std::map<std::string, std::string> json{{"content-type", "application/json"}};
  problem(ask("POST", "/api/v1/orders/1/accept", "{", json), 400, "JSON object");
  problem(ask("POST", "/api/v1/orders/1/accept", R"({"not":1})", json), 400, "note");
  problem(ask("POST", "/api/v1/orders/1/accept", "note=x"), 415, "application/json");
  problem(ask("POST", "/api/v1/orders/1/accept", "{}",
              {{"content-type", "application/json"}, {"origin", "http://evil.example"}}),
          403, "another site");
  problem(ask("GET", "/api/v1/orders", {}, {{"host", "evil.example"}}), 403, "localhost");
  for (const char* list : {"terminals", "devices", "consumables", "faults", "orders"}) {
    const auto answer = ask("GET", std::string{"/api/v1/"} + list);
    CHECK(answer.status == 200);
    CHECK(answer.body == R"({"items":[],"next_cursor":null})");
  }
  CHECK(ask("GET", "/healthz").status == 200);
  CHECK(ask("GET", "/metrics").body.find("kw_orders_total 0") != std::string::npos);
  CHECK(collector.stop() == 0);
}

TEST_CASE(
    "every list answers when there is something in it, and a broken configuration heals nothing") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig printers{folder / "printers", 1, 100'000, 1};
  AgentRig agent{folder / "agent", printers.configuration()};
  agent.enroll(collector, "K1");
  agent.start();
  const auto at = link::Endpoint::parse(collector.people());
  REQUIRE(at);
  const auto ask = [&](const std::string& target) {
    link::HttpRequest request{"GET", "/api/v1/" + target, {}, {}, {}};
    auto answer = run_task(link::http_request(*at, nullptr, std::move(request), 10s));
    REQUIRE(answer);
    CHECK(answer->status == 200);
    return answer->body;
  };
  const auto has = [&](const std::string& target, std::string_view text) {
    return eventually(20s, [&] { return ask(target).find(text) != std::string::npos; });
  };
  CHECK(has("devices", R"("health":"ok")"));
  CHECK(has("consumables", R"("type":"receipt_paper")"));
  printers.kill();
  CHECK(has("faults?state=open", R"("code":"no-reply")"));
  CHECK(has("orders?state=dispatched", R"("code":"no-reply")"));
  CHECK(has("terminals", R"("state":"fault")"));
  CHECK(ask("stats/faults").find(R"("code":"no-reply")") != std::string::npos);
  agent.stop();
  agent.configure("garbage (((");
  agent.start();
  CHECK(has("terminals/K1", R"("connected":true)"));
  CHECK(eventually(20s, [&] { return agent.unacknowledged() == 0; }));
  CHECK(has("orders?state=dispatched", R"("code":"no-reply")"));
  CHECK(has("faults?state=open", R"("code":"no-reply")"));
  agent.stop();
  collector.stop();
}

TEST_CASE("wrong command lines and wrong folders are told, not guessed") {
  const TempFolder folder;
  const auto data = (folder / "c").string();
  const auto text = [](const Output& out) { return out.text; };
  const auto early = run({program("kiosk-collector"), "run", "--data", data});
  CHECK(early.code != 0);
  CHECK(text(early).find("init") != std::string::npos);
  CHECK(run({program("kiosk-collector"), "init", "--data", data}).code == 0);
  const auto twice = run({program("kiosk-collector"), "init", "--data", data});
  CHECK(twice.code != 0);
  CHECK(text(twice).find("already") != std::string::npos);
  const auto open =
      run({program("kiosk-collector"), "run", "--data", data, "--people", "0.0.0.0:0"});
  CHECK(open.code != 0);
  CHECK(text(open).find("loopback") != std::string::npos);
  const auto code =
      run({program("kiosk-collector"), "token", "new", "--data", data, "--terminal", "two words"});
  CHECK(code.code != 0);
  CHECK(text(code).find("terminal code") != std::string::npos);
  auto written = platform::write_file(folder / "c/rules.toml", "[[rule]]\nlevel = 3\n", false);
  REQUIRE(written);
  const auto rules = run({program("kiosk-collector"), "run", "--data", data});
  CHECK(rules.code != 0);
  CHECK(text(rules).find("rules.toml:2: rule.0.level") != std::string::npos);
}
