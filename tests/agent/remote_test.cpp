// A whole agent, steered from afar: a real TLS peer on loopback plays the collector.
#include <atomic>
#include <csignal>
#include <fstream>
#include <thread>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "agent/ctl/print.hpp"
#include "agent/enroll/enroll.hpp"
#include "agent/run.hpp"
#include "common/identity/keys.hpp"
#include "common/identity/token.hpp"
#include "common/platform/control_client.hpp"
#include "common/wire/codec.hpp"
#include "tests/link/fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
namespace json = boost::json;
using Report = pb::ConfigurationReport;

namespace {

/// Keeps what kiosks say, sends what a test wants sent in every session, takes bundles.
class Collector final : public link::Host {
 public:
  std::optional<link::Refusal> admit(const link::PeerCertificate&) override { return {}; }

  Task<link::HttpResponse> answer(link::HttpRequest request, link::PeerCertificate peer) override {
    link::HttpResponse out;
    if (request.method == "PUT") {
      bundles.push_back({peer.common_name + " " + request.target, request.body});
      out.status = bundles.size() <= refuse_bundles ? 503 : 201;
      co_return out;
    }
    const auto& authority = link_test::ours();
    const auto issued =
        identity::sign_kiosk(authority.issuer, request.body, "T-1", link_test::real_now());
    json::object body;
    body["terminal"] = "T-1";
    body["certificate_chain_pem"] = issued->certificate_pem + authority.issuer.certificate_pem;
    body["ca_pem"] = authority.root.certificate_pem;
    out.body = json::serialize(body);
    co_return out;
  }

  Task<void> serve(std::unique_ptr<link::Link> link) override {
    for (;;) {
      auto frame = co_await link->receive();
      if (!frame) co_return;
      const auto envelope = wire::decode(*frame);
      if (!envelope) co_return;
      const auto answers = hear(*envelope);
      for (const auto& each : answers) {
        auto bytes = wire::encode(each);
        const auto sent = co_await link->send(std::move(bytes));
        if (!sent) co_return;
      }
    }
  }

  std::vector<pb::Envelope> hear(const pb::Envelope& in) {
    std::vector<pb::Envelope> out;
    if (in.has_hello()) {
      hellos.push_back(in.hello());
      auto& welcome = *out.emplace_back().mutable_welcome();
      welcome.set_version(1);
      welcome.set_credit(64 * 1024);
      welcome.set_server_wall_us(micros(link_test::real_now()));
      for (const auto& held : in.hello().epoch()) {
        auto& high = *welcome.add_high_water();
        high.set_epoch(held.epoch());
        high.set_seq(marks[held.epoch()]);
      }
      for (const auto& each : sent_always) out.push_back(each);
      unsent = true;
    } else if (in.has_snapshot() && in.snapshot().configured_size() > 0) {
      configured = in.snapshot().configured(0).device();
    } else if (in.has_batch()) {
      for (const auto& item : in.batch().item()) {
        events.push_back(item.event());
        const bool judged = item.event().has_configuration();
        if (judged && item.event().configuration().state() != Report::APPLIED) pushed.reset();
      }
      auto& ack = *out.emplace_back().mutable_ack();
      marks[in.batch().epoch()] = in.batch().last();
      ack.set_epoch(in.batch().epoch());
      ack.set_upto(in.batch().last());
      ack.set_credit(16 * 1024);
    }
    if (unsent && pushed && drained()) {
      unsent = false;
      if (pushed->hash() != hellos.back().configuration_hash()) {
        *out.emplace_back().mutable_configuration() = *pushed;
      }
    }
    return out;
  }
  /// What the kiosk had at its Hello is here: only then is a configuration sent.
  bool drained() {
    return std::ranges::all_of(hellos.back().epoch(), [this](const pb::EpochHeld& held) {
      return marks[held.epoch()] >= held.last();
    });
  }

  void push(const std::string& body) {
    pushed.emplace();
    pushed->set_hash(identity::sha256(body));
    pushed->set_body(body);
  }
  void order(const std::string& id, const std::string& verb, const std::string& args, Duration in) {
    pb::Envelope out;
    out.mutable_command()->set_id(id);
    out.mutable_command()->set_verb(verb);
    out.mutable_command()->set_args(args);
    out.mutable_command()->set_expires_wall_us(micros(link_test::real_now() + in));
    sent_always.push_back(out);
  }
  std::vector<Report> reports() const {
    std::vector<Report> out;
    for (const auto& event : events) {
      if (event.has_configuration()) out.push_back(event.configuration());
    }
    return out;
  }
  std::map<std::string, std::vector<pb::CommandResult>> results() const {
    std::map<std::string, std::vector<pb::CommandResult>> out;
    for (const auto& event : events) {
      if (event.has_command_result()) {
        out[event.command_result().id()].push_back(event.command_result());
      }
    }
    return out;
  }

  std::vector<pb::Envelope> sent_always;
  std::optional<pb::Configuration> pushed;  ///< until the kiosk turns it down
  bool unsent = false;                      ///< in this session
  std::map<std::uint64_t, std::uint64_t> marks;
  std::vector<pb::Hello> hellos;
  std::vector<pb::Event> events;
  std::string configured;
  std::vector<std::pair<std::string, std::string>> bundles;
  std::size_t refuse_bundles = 0;
};

/// The collector with its port, and an agent in a thread of its own, as kiosk-agent runs it.
struct Place {
  Place() {
    listen();
    own(configuration("own"));
    const auto token = identity::Token::make(link_test::ours().root_pin());
    const auto enrolled = loop.run(
        enroll({data(), "https://" + at.text(), token->text(), {}, "kiosk", false}, Lang::en));
    REQUIRE(enrolled);
  }
  ~Place() {
    stop();
    listener->stop();
    loop.settle(50ms);
  }
  static link::ServerTls::Options tls() { return link_test::Server::options(); }

  static std::string configuration(const std::string& device, const std::string& agent = {}) {
    return "[agent]\nlanguage = \"en\"\nreconnect_first_ms = 20\nreconnect_cap_s = 1\n"
           "reconnect_spread_s = 0\n" +
           agent + "[[device]]\nname = \"" + device +
           "\"\ndriver = \"host\"\nport = \"-\"\npoll_ms = 100\n";
  }
  std::filesystem::path data() const { return folder / "data"; }
  std::filesystem::path file() const { return folder / "agent.toml"; }
  void own(const std::string& text) const { std::ofstream{file()} << text; }

  void start() {
    ended = false;
    thread = std::thread{[this] {
      run_agent(data(), file());
      ended = true;
    }};
  }
  void stop() {
    if (!thread.joinable()) return;
    std::raise(SIGTERM);
    loop.until([this] { return ended.load(); });
    thread.join();
  }
  void until(const std::function<bool()>& done) { loop.until(done); }
  /// Cuts every connection; the agent comes back by itself.
  void reconnect() {
    listener->stop();
    loop.settle(20ms);
    listen();
  }
  void listen() {
    listener.emplace(loop.io.get_executor(), link_test::server_tls(tls(), clock), collector);
    const auto bound = listener->listen(at);
    REQUIRE(bound);
    at = *bound;
  }
  json::object status() const {
    auto answer = platform::ask_control(data(), "status", {}, 10s);
    REQUIRE(answer);
    return std::move(*answer);
  }

  tests::TempFolder folder;
  link_test::Loop loop;
  SystemClock clock;
  Collector collector;
  std::optional<link::Listener> listener;
  link::Endpoint at{"127.0.0.1", 0};
  std::atomic<bool> ended = true;
  std::thread thread;
};

}  // namespace

TEST_CASE("a pushed configuration is applied while the agent runs, and the collector hears of it") {
  Place place;
  auto& collector = place.collector;
  const auto body = Place::configuration("pushed", "outbox_mib = 64\nconfiguration_trial_s = 12\n");
  collector.push(body);
  place.start();
  place.until([&] { return collector.reports().size() == 1; });
  const auto report = collector.reports()[0];
  CHECK(report.state() == Report::APPLIED);
  CHECK(report.hash() == identity::sha256(body));
  CHECK(report.detail() == "outbox_mib takes effect when the agent starts again");
  REQUIRE(collector.hellos.size() == 2);
  CHECK(collector.hellos[0].configuration_hash().empty());
  CHECK(collector.hellos[1].configuration_hash() == identity::sha256(body));
  CHECK(collector.hellos[0].epoch_size() == collector.hellos[1].epoch_size());
  CHECK(collector.configured == "pushed");
  // The new device is polled.
  place.until([&] {
    return std::ranges::any_of(collector.events, [](const pb::Event& event) {
      return event.has_state() && event.state().device() == "pushed";
    });
  });
  const auto status = place.status();
  CHECK(status.at("configuration").at("source") == "pushed");
  CHECK(status.at("configuration").at("state") == "applied");
  CHECK(status.at("configuration").at("hash") == json::value(identity::sha256_hex(body)));

  // After a restart it is still there, and nothing is said of it again.
  place.stop();
  place.start();
  place.until([&] { return collector.hellos.size() == 3; });
  CHECK(collector.hellos[2].configuration_hash() == identity::sha256(body));
  place.until([&] { return collector.configured == "pushed"; });
  CHECK(collector.reports().size() <= 2);
}

TEST_CASE("a pushed configuration with a mistake leaves the kiosk on the old one and says so") {
  Place place;
  auto& collector = place.collector;
  collector.push(Place::configuration("pushed", "heartbeat_s = 0\n") + "driver = 7\n");
  place.start();
  place.until([&] { return collector.reports().size() == 1; });
  const auto report = collector.reports()[0];
  CHECK(report.state() == Report::REFUSED);
  INFO(report.detail());
  CHECK(report.detail().find("agent.toml:") == 0);
  CHECK(collector.hellos.size() == 1);
  CHECK(collector.configured == "own");
  const auto status = place.status();
  CHECK(status.at("configuration").at("source") == "local");
  CHECK(status.at("configuration").at("state") == "refused");
  CHECK(status.at("configuration").at("detail") == json::value(report.detail()));
  CHECK(status.at("devices").at("ok").to_number<int>() +
            status.at("devices").at("warning").to_number<int>() +
            status.at("devices").at("unknown").to_number<int>() ==
        1);
  const auto text = ctl::status_text(status, {.lang = Lang::en});
  INFO(text);
  CHECK(text.find("the last pushed one " + identity::to_hex(report.hash()).substr(0, 12) +
                  " was refused:\n  agent.toml:") != std::string::npos);
}

TEST_CASE("a pushed configuration that cuts the kiosk off is rolled back by the kiosk itself") {
  Place place;
  auto& collector = place.collector;
  place.own(Place::configuration("own", "collectors = [\"" + place.at.text() + "\"]\n"));
  const auto body =
      Place::configuration("pushed", "configuration_trial_s = 1\nproxy = \"http://127.0.0.1:1\"\n");
  collector.push(body);
  place.start();
  place.until([&] { return collector.reports().size() == 1; });
  const auto report = collector.reports()[0];
  CHECK(report.state() == Report::ROLLED_BACK);
  CHECK(report.hash() == identity::sha256(body));
  INFO(report.detail());
  CHECK(report.detail().find("not reached within 1 s: ") != std::string::npos);
  CHECK(report.detail().find("proxy 127.0.0.1:1: connect") != std::string::npos);
  REQUIRE(collector.hellos.size() >= 2);
  CHECK(collector.hellos.back().configuration_hash().empty());
  CHECK(collector.configured == "own");
  CHECK(place.status().at("configuration").at("state") == "rolled-back");
}

TEST_CASE("commands run once, however often they are sent, and their results are events") {
  Place place;
  auto& collector = place.collector;
  collector.refuse_bundles = 1;
  collector.order("refresh-1", "refresh", "", 1h);
  collector.order("refresh-2", "refresh", R"({"device":"ghost"})", 1h);
  collector.order("late-1", "refresh", "", -1h);
  collector.order("test-1", "self-test", R"({"device":"own"})", 1h);
  collector.order("odd-1", "format-disk", "", 1h);
  collector.order("bundle-1", "log-bundle", "{}", 1h);
  place.start();
  place.until([&] { return collector.results().size() == 6; });
  place.reconnect();
  place.until([&] { return collector.hellos.size() == 2; });
  collector.order("last", "refresh", "", 1h);
  place.reconnect();
  place.until([&] { return collector.results().contains("last"); });
  const auto results = collector.results();
  for (const auto& [id, told] : results) {
    CAPTURE(id);
    CHECK(told.size() == 1);
  }
  CHECK(results.at("refresh-1")[0].state() == pb::CommandResult::DONE);
  CHECK(results.at("refresh-2")[0].state() == pb::CommandResult::REFUSED);
  CHECK(results.at("refresh-2")[0].detail().find("own") != std::string::npos);
  CHECK(results.at("late-1")[0].state() == pb::CommandResult::EXPIRED);
  CHECK(results.at("odd-1")[0].state() == pb::CommandResult::REFUSED);
  CHECK(results.at("test-1")[0].state() == pb::CommandResult::DONE);
  CHECK(json::parse(results.at("test-1")[0].body()).at("passed") == true);

  const auto& bundle = results.at("bundle-1")[0];
  CHECK(bundle.state() == pb::CommandResult::DONE);
  REQUIRE(collector.bundles.size() == 2);
  CHECK(collector.bundles[1].first == "T-1 /kioskwatch/v1/bundles/bundle-1");
  const auto& document = collector.bundles[1].second;
  CHECK(json::parse(bundle.body()).at("sha256") == json::value(identity::sha256_hex(document)));
  const auto parsed = json::parse(document).as_object();
  CHECK(parsed.at("status").at("terminal") == "T-1");
  CHECK(parsed.at("devices").at(0).at("name") == "own");
  CHECK(parsed.at("configuration").get_string().find("reconnect_first_ms") != std::string::npos);
}
