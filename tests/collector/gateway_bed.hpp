#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include "collector/accounts/authority_files.hpp"
#include "collector/accounts/identity_verbs.hpp"
#include "collector/gateway/gateway.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "collector/writer/act.hpp"
#include "common/identity/certificate.hpp"
#include "common/identity/keys.hpp"
#include "common/identity/token.hpp"
#include "common/wire/codec.hpp"
#include "tests/link/fixture.hpp"

namespace kw::collector::tests {

using namespace std::chrono_literals;
using kw::link_test::Loop;
using kw::tests::TempFolder;

/// The system's clock with a wall that tests move.
class MovedClock final : public Clock {
 public:
  WallTime wall() const override { return system_.wall() + shift; }
  MonoTime mono() const override { return system_.mono(); }
  Duration shift{};

 private:
  SystemClock system_;
};

/// A kiosk's key and what it got for it.
struct Kiosk {
  std::string key = *identity::make_key();
  std::string csr = *identity::make_csr(key, "kiosk");
  link::Credentials own;
  std::uint64_t epoch = 1;
};

/// The collector's agent port, whole: TLS, gateway, writer, SQLite on a real file.
struct GatewayBed {
  explicit GatewayBed(Gateway::Limits limits = {}, Enrolment::Settings settings = {},
                      Rules rules = shipped())
      : authority(make_authority()),
        writer(*SqliteStore::open(folder / "collector.db"), std::move(rules), clock),
        enrolment(writer, registry, authority, crypto, clock, settings),
        uploads(writer, registry, bundles, files, clock),
        gateway(loop.io.get_executor(), writer, registry, enrolment, uploads, clock, limits),
        listener(loop.io.get_executor(), server_tls(), gateway) {
    at = *listener.listen({"127.0.0.1", 0});
  }
  ~GatewayBed() {
    listener.stop();
    loop.until([&] { return listener.connections() == 0; });
    writer.stop();
    loop.settle(20ms);
  }

  static Rules shipped() { return *Rules::load("none.toml"); }
  AuthorityFiles make_authority() {
    REQUIRE(AuthorityFiles::create(folder.path(), {"127.0.0.1"}, clock));
    return *AuthorityFiles::load(folder.path(), clock);
  }
  std::shared_ptr<const link::ServerTls> server_tls() {
    return *link::ServerTls::make({.own = authority.server(),
                                   .client_trust_pem = authority.trust_pem(),
                                   .ticket_keys = folder / "tickets"},
                                  clock);
  }

  /// A person's verb, with its effect on the serial list.
  Result<boost::json::object> ask(const std::string& verb, boost::json::object args) {
    std::function<Result<IdentityDeed>(Work&)> deed = [this, verb, args](Work& work) {
      return perform(work, {Subject::Kind::loopback_administrator, "host"}, verb, args,
                     authority.pin());
    };
    auto done = loop.run(act(writer, std::move(deed)));
    if (!done) return std::move(done).error();
    gateway.revoked(done->certificates);
    return std::move(done->answer);
  }

  std::shared_ptr<const link::ClientTls> tls(const Kiosk& kiosk) {
    link::ClientTls::Options options;
    options.own = kiosk.own;
    options.trust_pem = authority.trust_pem();
    options.ignore_dates = true;
    return *link::ClientTls::make(options);
  }
  link::HttpResponse post(const std::string& path, const std::string& body, const Kiosk& as,
                          std::map<std::string, std::string> headers = {}) {
    link::HttpRequest request;
    request.method = "POST";
    request.target = "/.well-known/est/" + path;
    request.body = body;
    request.headers = std::move(headers);
    auto answer = loop.run(link::http_request(at, tls(as), std::move(request), 10s));
    REQUIRE(answer);
    return *answer;
  }
  /// A certificate out of a 200 into the kiosk's hands.
  static void take(Kiosk& kiosk, const link::HttpResponse& answer) {
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
    const auto body = boost::json::parse(answer.body).as_object();
    kiosk.own = {std::string{body.at("certificate_chain_pem").as_string()}, kiosk.key};
  }
  Kiosk enrolled(const std::string& terminal) {
    const auto token = ask("token-new", {{"terminal", terminal}});
    REQUIRE(token);
    const std::string text{token->at("token").as_string()};
    const auto bearer = identity::Token::parse(text)->bearer();
    Kiosk kiosk;
    take(kiosk, post("simpleenroll", kiosk.csr, {}, {{"authorization", "Bearer " + bearer}}));
    return kiosk;
  }
  /// The code with which a link is declined; "link" when one is opened.
  std::string knock_on_agent_port(const Kiosk& kiosk) {
    std::optional<link::Refusal> said;
    auto link = loop.run(link::dial(at, tls(kiosk), 10s, &said));
    if (link) return "link";
    return said ? said->code : link.error().text();
  }

  /// Hello and its answer.
  Result<std::pair<std::unique_ptr<link::Link>, pb::Envelope>> greet(const Kiosk& kiosk) {
    auto link = loop.run(link::dial(at, tls(kiosk)));
    if (!link) return std::move(link).error();
    pb::Envelope hello;
    hello.mutable_hello()->set_min_version(1);
    hello.mutable_hello()->set_max_version(1);
    hello.mutable_hello()->set_boot_id("boot");
    auto& held = *hello.mutable_hello()->add_epoch();
    held.set_epoch(kiosk.epoch);
    held.set_boot_id("boot");
    auto sent = loop.run((*link)->send(wire::encode(hello)));
    if (!sent) return std::move(sent).error();
    auto answer = next(**link);
    if (!answer) return std::move(answer).error();
    return std::pair{std::move(*link), std::move(*answer)};
  }
  std::unique_ptr<link::Link> session(const Kiosk& kiosk) {
    auto greeted = greet(kiosk);
    REQUIRE_MESSAGE(greeted, greeted.error().text());
    REQUIRE(greeted->second.has_welcome());
    return std::move(greeted->first);
  }
  Result<pb::Envelope> next(link::Link& link) {
    auto frame = loop.run(link.receive());
    if (!frame) return std::move(frame).error();
    return wire::decode(*frame);
  }
  void send(link::Link& link, const pb::Envelope& envelope) {
    REQUIRE(loop.run(link.send(wire::encode(envelope))));
  }
  std::int64_t count(const std::string& sql) {
    auto db = db::Database::open(folder / "collector.db", {.read_only = true});
    REQUIRE(db);
    return (*db)->integer(sql).value_or(-1);
  }

  TempFolder folder;
  MovedClock clock;
  Loop loop;
  AuthorityFiles authority;
  Registry registry;
  Writer writer;
  Worker crypto{1, 0};
  Enrolment enrolment;
  BundleFiles bundles{folder / "bundles"};
  Worker files{1, 0};
  BundleUploads uploads;
  Gateway gateway;
  link::Listener listener;
  link::Endpoint at;
};

}  // namespace kw::collector::tests
