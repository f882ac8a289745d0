// The uplink against a real TLS peer on loopback that plays the collector.
#include "agent/uplink/uplink.hpp"

#include <boost/asio/post.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "agent/enroll/enroll.hpp"
#include "common/identity/keys.hpp"
#include "common/identity/token.hpp"
#include "common/wire/codec.hpp"
#include "outbox_fixture.hpp"
#include "tests/link/connect_proxy.hpp"
#include "tests/link/fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

namespace {

/// Takes everything, in order, and acknowledges it; forgets on request.
class Collector final : public link::Host {
 public:
  std::optional<link::Refusal> admit(const link::PeerCertificate&) override { return {}; }

  Task<link::HttpResponse> answer(link::HttpRequest request, link::PeerCertificate) override {
    link::HttpResponse out;
    const auto bearer = request.headers["authorization"];
    if (refuse_enrolment) {
      out.status = 403;
      out.headers["content-type"] = "application/problem+json";
      out.body = R"({"title":"no","detail":"token used before"})";
      co_return out;
    }
    const auto& authority = link_test::ours();
    const auto issued =
        identity::sign_kiosk(authority.issuer, request.body, "T-1", link_test::real_now());
    boost::json::object body;
    body["terminal"] = "T-1";
    body["certificate_chain_pem"] = issued->certificate_pem + authority.issuer.certificate_pem;
    body["ca_pem"] = authority.root.certificate_pem;
    out.body = boost::json::serialize(body);
    out.headers["content-type"] = "application/json";
    co_return out;
  }

  Task<void> serve(std::unique_ptr<link::Link> link) override {
    ++sessions;
    for (;;) {
      auto frame = co_await link->receive();
      if (!frame) co_return;
      const auto envelope = wire::decode(*frame);
      if (!envelope) co_return;
      pb::Envelope out;
      if (envelope->has_hello()) {
        auto& welcome = *out.mutable_welcome();
        welcome.set_version(1);
        welcome.set_credit(4'096);
        welcome.set_server_wall_us(micros(link_test::real_now()));
        for (const auto& held : envelope->hello().epoch()) {
          auto& high = *welcome.add_high_water();
          high.set_epoch(held.epoch());
          high.set_seq(marks[held.epoch()]);
        }
      } else if (envelope->has_snapshot()) {
        ++snapshots;
      } else if (envelope->has_batch()) {
        const auto& batch = envelope->batch();
        auto& mark = marks[batch.epoch()];
        if (batch.first() != mark + 1 || !wire::check_range(batch)) ++broken;
        mark = batch.last();
        out.mutable_ack()->set_epoch(batch.epoch());
        out.mutable_ack()->set_upto(mark);
        out.mutable_ack()->set_credit(static_cast<std::uint32_t>(frame->size()));
        if (cut_after > 0 && --cut_after == 0) {
          link->cut();
          co_return;
        }
      }
      if (out.body_case() == pb::Envelope::BODY_NOT_SET) continue;
      auto bytes = wire::encode(out);
      const auto sent = co_await link->send(std::move(bytes));
      if (!sent) co_return;
    }
  }

  std::map<std::uint64_t, std::uint64_t> marks;
  int sessions = 0;
  int snapshots = 0;
  int broken = 0;
  int cut_after = 0;  ///< batches until the connection breaks, before the ack
  bool refuse_enrolment = false;
};

struct Server {
  explicit Server(asio::io_context& io)
      : tls(make_tls()), listener(io.get_executor(), tls, collector) {
    at = *listener.listen({"127.0.0.1", 0});
  }
  std::shared_ptr<const link::ServerTls> make_tls() {
    link::ServerTls::Options options;
    options.own = link_test::ours().good_server();
    options.client_trust_pem = link_test::ours().trust();
    options.ticket_keys = folder / "tickets";
    return *link::ServerTls::make(options, clock);
  }
  SystemClock clock;
  tests::TempFolder folder;
  Collector collector;
  std::shared_ptr<const link::ServerTls> tls;
  link::Listener listener;
  link::Endpoint at;
};

Task<void> wait_for(asio::io_context& io, std::function<bool()> done, bool& reached) {
  for (int i = 0; i < 2'000 && !done(); ++i) co_await sleep_for(10ms);
  reached = done();
  io.stop();
}

bool until(asio::io_context& io, std::function<bool()> done) {
  bool reached = false;
  io.restart();
  spawn(io, "wait", wait_for(io, std::move(done), reached));
  io.run();
  return reached;
}

Task<void> enroll_into(Enrolment wanted, std::optional<Result<IdentityFiles>>& out) {
  auto result = co_await enroll(std::move(wanted), Lang::en);
  out = std::move(result);
}

std::optional<Result<IdentityFiles>> enrolled(asio::io_context& io, const Enrolment& wanted) {
  std::optional<Result<IdentityFiles>> out;
  io.restart();
  spawn(io, "enroll", enroll_into(wanted, out));
  until(io, [&] { return out.has_value(); });
  return out;
}

Enrolment wanted(const Server& server, const std::filesystem::path& data) {
  const auto token = identity::Token::make(link_test::ours().root_pin());
  return {data, "https://" + server.at.text(), token->text(), {}, "kiosk", false};
}

struct Agent {
  Agent(asio::io_context& io, const std::filesystem::path& data, std::uint64_t epoch,
        std::vector<link::Endpoint> collectors = {}, std::optional<link::Proxy> proxy = {})
      : journal(std::make_unique<Outbox>(options(data), clock, "boot", epoch), clock),
        uplink(io.get_executor(), journal, clock,
               uplink_options(data, std::move(collectors), std::move(proxy)), {}) {
    journal.on_appended([this, &io](const Appended& what) {
      asio::post(io, [this, what] { uplink.appended(what); });
    });
  }
  static Outbox::Options options(const std::filesystem::path& data) {
    Outbox::Options out;
    out.folder = data;
    out.reserve = 0;
    return out;
  }
  static Uplink::Options uplink_options(const std::filesystem::path& data,
                                        std::vector<link::Endpoint> collectors,
                                        std::optional<link::Proxy> proxy) {
    Uplink::Options out;
    out.folder = data;
    out.collectors = std::move(collectors);
    out.proxy = std::move(proxy);
    out.backoff = {.first = 10ms, .cap = 20ms, .spread = 20ms};
    return out;
  }
  SystemClock clock;
  Journal journal;
  Uplink uplink;
};

}  // namespace

TEST_CASE("a kiosk enrols, connects and every event arrives once, also over broken connections") {
  asio::io_context io{1};
  Server server{io};
  tests::TempFolder data;
  const auto identity = enrolled(io, wanted(server, data.path()));
  REQUIRE(identity);
  REQUIRE_MESSAGE(static_cast<bool>(*identity), (*identity ? "" : identity->error().text()));
  CHECK((*identity)->terminal == "T-1");

  auto& collector = server.collector;
  collector.cut_after = 2;
  Agent agent{io, data.path(), 7};
  for (int i = 0; i < 300; ++i) agent.journal.note("n" + std::to_string(i), {}, "x");
  spawn(io, "uplink", agent.uplink.run());
  CHECK(until(io, [&] {
    return collector.marks[7] == 300 && agent.uplink.status().phase == UplinkPhase::live;
  }));
  CHECK(collector.sessions == 2);
  CHECK(collector.broken == 0);
  // Live: a change arrives without being asked for.
  agent.journal.state("printer", Box::status());
  CHECK(until(io, [&] { return collector.marks[7] == 301; }));
  server.listener.stop();
}

TEST_CASE("a collector restored from an old copy gets everything again") {
  asio::io_context io{1};
  Server server{io};
  tests::TempFolder data;
  REQUIRE(enrolled(io, wanted(server, data.path())));
  auto& collector = server.collector;
  Agent agent{io, data.path(), 7};
  for (int i = 0; i < 20; ++i) agent.journal.note("n", {}, "x");
  spawn(io, "uplink", agent.uplink.run());
  REQUIRE(until(io, [&] { return collector.marks[7] == 20; }));
  collector.marks[7] = 5;
  collector.cut_after = 1;
  agent.journal.note("one more", {}, "x");  // ends the session; the next Welcome says 5 again
  CHECK(until(io, [&] { return collector.sessions >= 2 && collector.marks[7] == 21; }));
  server.listener.stop();
}

TEST_CASE("several addresses are dialled in order, and one that fails costs no pause") {
  asio::io_context io{1};
  Server server{io};
  tests::TempFolder data;
  REQUIRE(enrolled(io, wanted(server, data.path())));
  link::Endpoint nobody;
  {
    const Server gone{io};
    nobody = gone.at;
  }
  Agent agent{io, data.path(), 7, {nobody, server.at, {"127.0.0.1", 1}}};
  agent.journal.note("n", {}, "x");
  spawn(io, "uplink", agent.uplink.run());
  REQUIRE(until(io, [&] { return server.collector.marks[7] == 1; }));
  CHECK(agent.uplink.status().server == server.at.text());
  CHECK(agent.uplink.status().servers ==
        std::vector<std::string>{nobody.text(), server.at.text(), "127.0.0.1:1"});
  CHECK(agent.uplink.status().last_error.empty());
  server.listener.stop();
  REQUIRE(until(io, [&] { return agent.uplink.status().phase == UplinkPhase::waiting; }));
  const auto& why = agent.uplink.status().last_error;
  REQUIRE(until(io, [&] { return why.find("127.0.0.1:1: connect") != std::string::npos; }));
  CHECK(why.find(nobody.text() + ": connect") == 0);
  CHECK(why.find("; " + server.at.text() + ": connect") != std::string::npos);
}

TEST_CASE("enrolment and sessions go through a proxy, and what it refuses is said") {
  asio::io_context io{1};
  Server server{io};
  link_test::ConnectProxy proxy{io};
  proxy.demand("Basic YW5uOm9wZW5zZXNhbWU=");  // ann:opensesame
  tests::TempFolder data;
  auto wish = wanted(server, data.path());
  wish.proxy = proxy.url();
  const auto refused = enrolled(io, wish);
  REQUIRE_FALSE(*refused);
  CHECK(refused->error().text().find("407") != std::string::npos);
  wish.proxy = "proxy.example.org";
  CHECK(enrolled(io, wish)->error().text().find("--proxy is wrong") == 0);
  wish.proxy = proxy.url("ann:opensesame@");
  REQUIRE(*enrolled(io, wish));
  CHECK(proxy.tunnels() == 1);

  Agent agent{io, data.path(), 7, {}, *link::Proxy::parse(wish.proxy)};
  agent.journal.note("n", {}, "x");
  spawn(io, "uplink", agent.uplink.run());
  REQUIRE(until(io, [&] { return server.collector.marks[7] == 1; }));
  CHECK(proxy.tunnels() == 2);
  CHECK(agent.uplink.status().proxy == proxy.url());
  // Without its credentials a proxy is no reason to think that the certificate is refused.
  Agent poor{io, data.path(), 8, {}, *link::Proxy::parse(proxy.url())};
  spawn(io, "uplink", poor.uplink.run());
  REQUIRE(until(io, [&] { return poor.uplink.status().phase == UplinkPhase::waiting; }));
  CHECK(poor.uplink.status().last_error.find("407") != std::string::npos);
  server.listener.stop();
}

TEST_CASE("enrolment says in words why it failed and leaves nothing behind") {
  asio::io_context io{1};
  Server server{io};
  tests::TempFolder data;
  server.collector.refuse_enrolment = true;
  const auto refused = enrolled(io, wanted(server, data.path()));
  REQUIRE(refused);
  REQUIRE_FALSE(*refused);
  CHECK(refused->error().code() == Errc::refused);
  CHECK(refused->error().text().find("token used before") != std::string::npos);
  CHECK_FALSE(load_identity(data.path()));

  auto bad_token = wanted(server, data.path());
  bad_token.token = "kw1-nonsense";
  const auto invalid = enrolled(io, bad_token);
  CHECK(invalid->error().code() == Errc::invalid);

  auto other_ca = wanted(server, data.path());
  other_ca.token = identity::Token::make(link_test::foreign().root_pin())->text();
  server.collector.refuse_enrolment = false;
  const auto pinned = enrolled(io, other_ca);
  REQUIRE(pinned);
  CHECK_FALSE(*pinned);
  CHECK_FALSE(load_identity(data.path()));
  server.listener.stop();
}

TEST_CASE("an identity is replaced only on demand") {
  asio::io_context io{1};
  Server server{io};
  tests::TempFolder data;
  auto request = wanted(server, data.path());
  REQUIRE(*enrolled(io, request));
  const auto before = load_identity(data.path())->own.key_pem;
  const auto again = enrolled(io, request);
  REQUIRE_FALSE(*again);
  CHECK(again->error().text().find("--force") != std::string::npos);
  CHECK(load_identity(data.path())->own.key_pem == before);
  request.force = true;
  REQUIRE(*enrolled(io, request));
  CHECK(load_identity(data.path())->own.key_pem != before);
  server.listener.stop();
}
