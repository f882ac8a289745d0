// Each failing step of the link check provoked for real: sockets, TLS and certificates as in life.
#include "agent/ctl/link_check.hpp"

#include <doctest/doctest.h>

#include "common/link/http_date.hpp"
#include "tests/link/connect_proxy.hpp"
#include "tests/link/fixture.hpp"
#include "tests/support/ports.hpp"

using namespace kw;
using namespace kw::agent::ctl;
using namespace kw::link_test;

namespace {

constexpr Duration year = 365 * identity::day;

/// A collector that tells the time, as the real one does, and admits as it is told.
class Teller final : public link::Host {
 public:
  std::optional<link::Refusal> admit(const link::PeerCertificate& peer) override {
    return peer.present ? refusal : std::nullopt;
  }
  Task<link::HttpResponse> answer(link::HttpRequest, link::PeerCertificate) override {
    link::HttpResponse out;
    out.status = 404;
    out.headers["date"] = link::http_date(time.value_or(real_now()));
    co_return out;
  }
  Task<void> serve(std::unique_ptr<Link> link) override {
    ++links;
    const auto first = co_await link->receive();
    spoken += first ? 1 : 0;
    closed_with = link->close_code();
  }

  std::optional<link::Refusal> refusal;
  std::optional<WallTime> time;
  int links = 0;
  int spoken = 0;
  int closed_with = 0;
};

struct Collector {
  explicit Collector(link::Credentials own = ours().good_server()) {
    link::ServerTls::Options options;
    options.own = std::move(own);
    options.client_trust_pem = ours().trust();
    listener =
        std::make_unique<link::Listener>(loop.io.get_executor(), server_tls(options, clock), host);
    at = *listener->listen({"127.0.0.1", 0});
  }
  ~Collector() {
    listener->stop();
    loop.settle(20ms);
  }

  Loop loop;
  SystemClock clock;
  Teller host;
  std::unique_ptr<link::Listener> listener;
  Endpoint at;
};

agent::IdentityFiles enrolled(const Endpoint& server, link::Credentials own = ours().good_kiosk()) {
  return {server, "SZ-0001", std::move(own), ours().root.certificate_pem};
}

std::vector<Check> walk(Loop& loop, const agent::IdentityFiles& identity,
                        WallTime kiosk_time = real_now(), Duration limit = 5s,
                        std::optional<link::Proxy> proxy = std::nullopt) {
  const ManualClock clock{kiosk_time};
  LinkCheck check{identity, identity.server, std::move(proxy), limit, Lang::en};
  return loop.run(check_link(std::move(check), clock));
}

/// "tcp:port-closed"; "" when no step failed.
std::string failed(const std::vector<Check>& steps) {
  const auto* first = first_failed(steps);
  if (first == nullptr) return {};
  CHECK_FALSE(first->detail.empty());
  CHECK_FALSE(first->advice.empty());
  bool after = false;
  for (const auto& step : steps) {
    if (after) CHECK(step.outcome == Outcome::skipped);
    after = after || &step == first;
  }
  return first->id + ":" + first->code;
}

}  // namespace

TEST_CASE("a link that is well passes every step and disturbs no session") {
  Collector collector;
  const auto steps = walk(collector.loop, enrolled(collector.at));
  CHECK(failed(steps) == "");
  REQUIRE(steps.size() == 5);
  for (const auto& step : steps) CHECK_MESSAGE(step.outcome == Outcome::ok, step.id);
  collector.loop.until([&] { return collector.host.closed_with != 0; });
  CHECK(collector.host.closed_with == 1000);
  CHECK(collector.host.spoken == 0);
}

TEST_CASE("behind a proxy the steps are the proxy's until the tunnel stands, and it is named") {
  Collector collector;
  ConnectProxy proxy{collector.loop.io};
  proxy.demand("Basic YW5uOm9wZW5zZXNhbWU=");  // ann:opensesame
  const auto identity = enrolled(collector.at);
  const auto good = *link::Proxy::parse(proxy.url("ann:opensesame@"));
  const auto steps = walk(collector.loop, identity, real_now(), 5s, good);
  CHECK(failed(steps) == "");
  CHECK(steps.at(1).detail.find(proxy.at.text()) != std::string::npos);
  CHECK(proxy.tunnels() == 2);
  const auto poor = *link::Proxy::parse(proxy.url());
  const auto refused = walk(collector.loop, identity, real_now(), 5s, poor);
  CHECK(failed(refused) == "tls:proxy-refused");
  CHECK(first_failed(refused)->detail.find("407") != std::string::npos);
  auto gone = good;
  gone.at.port = 1;
  const auto closed = walk(collector.loop, identity, real_now(), 5s, gone);
  CHECK(failed(closed) == "tcp:port-closed");
  CHECK(first_failed(closed)->detail.starts_with("via proxy " + gone.at.text() + ": "));
  CHECK(first_failed(closed)->advice.find("agent.toml") != std::string::npos);
}

TEST_CASE("a name that nobody has is told at the DNS step") {
  Loop loop;
  const auto steps = walk(loop, enrolled({"collector..example", 443}));
  CHECK(failed(steps) == "dns:name-not-found");
  CHECK(first_failed(steps)->detail.find("collector..example") != std::string::npos);
}

TEST_CASE("a certificate made out to another name is told at the TLS step") {
  Collector collector{ours().server({"other.example"}, real_now(), 90 * identity::day)};
  const auto steps = walk(collector.loop, enrolled(collector.at));
  CHECK(failed(steps) == "tls:wrong-name");
  CHECK(first_failed(steps)->detail.find("other.example") != std::string::npos);
}

TEST_CASE("a closed port is told from one that drops everything") {
  Loop loop;
  CHECK(failed(walk(loop, enrolled({"127.0.0.1", tests::closed_port()}))) == "tcp:port-closed");
  const tests::SilentPort silent;
  const auto before = SystemClock{}.mono();
  const auto steps = walk(loop, enrolled({"127.0.0.1", silent.port()}), real_now(), 300ms);
  CHECK(failed(steps) == "tcp:no-answer");
  CHECK(SystemClock{}.mono() - before < 5s);
}

TEST_CASE("a port that takes connections and says nothing is told at the TLS step") {
  Loop loop;
  const tests::MutePort mute;
  CHECK(failed(walk(loop, enrolled({"127.0.0.1", mute.port()}), real_now(), 300ms)) ==
        "tls:tls-silent");
}

TEST_CASE("a port that speaks plain HTTP is no collector") {
  Loop loop;
  link::HttpServer people{
      loop.io.get_executor(),
      [](link::HttpRequest) -> Task<link::HttpResponse> { co_return link::HttpResponse{}; }};
  const auto at = *people.listen({"127.0.0.1", 0});
  CHECK(failed(walk(loop, enrolled(at))) == "tls:not-tls");
  people.stop();
  loop.settle(20ms);
}

TEST_CASE("a server signed by another CA is told at the TLS step") {
  Collector collector{foreign().good_server()};
  CHECK(failed(walk(collector.loop, enrolled(collector.at))) == "tls:wrong-ca");
}

TEST_CASE("an expired certificate is told by its owner and its date") {
  const auto made = real_now() - 100 * identity::day;
  Collector old{ours().server({"127.0.0.1"}, made, 90 * identity::day)};
  const auto steps = walk(old.loop, enrolled(old.at));
  CHECK(failed(steps) == "certificate:server-expired");
  CHECK(first_failed(steps)->detail.find("10 days ago") != std::string::npos);
  Collector good;
  const auto own = ours().kiosk("SZ-0001", made, 90 * identity::day);
  CHECK(failed(walk(good.loop, enrolled(good.at, own))) == "certificate:own-expired");
}

TEST_CASE("a clock that is off by a year is not taken for an expired certificate") {
  Collector collector;
  const auto identity = enrolled(collector.at);
  const auto ahead = walk(collector.loop, identity, real_now() + year);
  CHECK(failed(ahead) == "certificate:clock-wrong");
  CHECK(first_failed(ahead)->detail.find("ahead by 365 days") != std::string::npos);
  const auto behind = walk(collector.loop, identity, real_now() - year);
  CHECK(failed(behind) == "certificate:clock-wrong");
  CHECK(first_failed(behind)->detail.find("behind by 36") != std::string::npos);
  const auto minutes = walk(collector.loop, identity, real_now() + 10min);
  CHECK(failed(minutes) == "");
  CHECK(minutes[3].outcome == Outcome::warn);
  CHECK(minutes[3].code == "clock-drift");
}

TEST_CASE("a revoked kiosk hears the collector's own words") {
  Collector collector;
  collector.host.refusal = link::Refusal{"revoked", "certificate 4A is revoked", {}};
  const auto steps = walk(collector.loop, enrolled(collector.at));
  CHECK(failed(steps) == "websocket:revoked");
  CHECK(first_failed(steps)->detail.find("certificate 4A is revoked") != std::string::npos);
  collector.host.refusal = link::Refusal{"unknown-certificate", "not on the serial list", {}};
  CHECK(failed(walk(collector.loop, enrolled(collector.at))) == "websocket:unknown-certificate");
  collector.host.refusal = link::Refusal{"busy", "no room", 5s};
  CHECK(failed(walk(collector.loop, enrolled(collector.at))) == "websocket:collector-busy");
}

TEST_CASE("a kiosk of another CA is told that its certificate is refused") {
  Collector collector;
  const auto identity = enrolled(collector.at, foreign().good_kiosk());
  CHECK(failed(walk(collector.loop, identity)) == "websocket:certificate-refused");
}

TEST_CASE("what the agent proves, or cannot, is put into words") {
  using Proof = Result<boost::json::object>;
  const auto code = [](const Proof& proof) { return acknowledged_step(proof, 15s, Lang::en).code; };
  const auto proof = [](boost::json::object facts) {
    boost::json::object out;
    out["proof"] = std::move(facts);
    return Proof{out};
  };
  CHECK(acknowledged_step(proof({{"acknowledged", true}, {"took_ms", 40}}), 1s, Lang::en).outcome ==
        Outcome::ok);
  CHECK(code(Error{Errc::missing, "no socket"}) == "agent-not-running");
  CHECK(code(Error{Errc::refused, "not yours"}) == "no-rights");
  CHECK(code(Error{Errc::timeout, "late"}) == "agent-silent");
  CHECK(code(proof({{"acknowledged", false}, {"written", false}})) == "not-written");
  CHECK(code(proof({{"acknowledged", true}, {"quarantined", true}})) == "quarantined");
  CHECK(code(proof({{"acknowledged", false}, {"phase", "waiting"}})) == "agent-not-connected");
  const auto lost = acknowledged_step(
      proof({{"acknowledged", false}, {"phase", "live"}, {"unacknowledged", 7}}), 15s, Lang::en);
  CHECK(lost.code == "not-stored");
  CHECK(lost.detail.find("within 15 s") != std::string::npos);
  CHECK(lost.detail.find("on this kiosk: 7") != std::string::npos);
}

TEST_CASE("a kiosk without an identity is told to enrol, a broken one to do it again") {
  const auto missing = identity_step(Error{Errc::missing, "no file"}, Lang::en);
  CHECK(missing.code == "not-enrolled");
  CHECK(identity_step(Error{Errc::refused, "no"}, Lang::en).code == "no-rights");
  auto mixed = enrolled({"127.0.0.1", 1});
  mixed.own.key_pem = ours().good_kiosk().key_pem;
  CHECK(identity_step(mixed, Lang::en).code == "identity-broken");
  CHECK(identity_step(enrolled({"127.0.0.1", 1}), Lang::en).outcome == Outcome::ok);
}

TEST_CASE("an HTTP date is read as it was written, anything else is nothing") {
  const auto when = wall_from(784'111'777'000'000);
  CHECK(link::http_date(when) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(link::from_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == when);
  for (const char* wrong : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
                            "Sun, 06 Nov 1994 28:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT"}) {
    CHECK_FALSE(link::from_http_date(wrong));
  }
}
