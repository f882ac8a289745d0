// What is asked of kiosks from afar, over a real link: the kiosk is played, the collector is real.
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "collector/writer/remote_results.hpp"
#include "common/wire/conditions.hpp"
#include "tests/collector/field.hpp"

using namespace kw;
using namespace kw::collector;
using namespace kw::collector_test;

namespace {

std::string text(const boost::json::value& value) {
  return value.is_string() ? std::string{value.get_string()} : boost::json::serialize(value);
}

/// POSTs a command; its id.
std::string commanded(Field& field, const std::string& body) {
  const auto made = field.ask("POST", "terminals/K1/commands", body);
  REQUIRE_MESSAGE(made.status == 201, made.whole.body);
  CHECK(made.whole.headers.at("location") == "/api/v1/commands/" + text(made.body.at("id")));
  return text(made.body.at("id"));
}

std::string state(Field& field, const std::string& command) {
  return text(field.ask("GET", "commands/" + command).body.at("state"));
}

boost::json::value configuration(Field& field) {
  return field.ask("GET", "terminals/K1").body.at("configuration");
}

Field::Answer push(Field& field, const std::string& body) {
  return field.ask("PUT", "terminals/K1/configuration", body, "application/toml");
}

}  // namespace

TEST_CASE("a command reaches a connected kiosk at once, and its result comes as an event") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  agent.open();
  const auto id = commanded(field, R"({"verb":"self-test","args":{"device":"id-1"}})");
  const auto got = agent.receive();
  REQUIRE(got.has_command());
  CHECK(got.command().id() == id);
  CHECK(got.command().seq() == 1);
  CHECK(got.command().verb() == "self-test");
  CHECK(got.command().args() == R"({"device":"id-1"})");
  CHECK(got.command().expires_wall_us() > micros(field.clock.wall() + 590s));
  CHECK(state(field, id) == "sent");
  agent.result(id, pb::CommandResult::FAILED, R"({"reads":3})", "slow");
  const auto ended = field.ask("GET", "commands/" + id).body;
  CHECK(text(ended.at("state")) == "failed");
  CHECK(text(ended.at("detail")) == "slow");
  CHECK(text(ended.at("result").at("reads")) == "3");
  // Told twice, as after a lost Ack: the first word stays.
  agent.result(id, pb::CommandResult::DONE);
  CHECK(state(field, id) == "failed");
  agent.expect_nothing();
}

TEST_CASE("what has no result is sent again in every session, in order, until it expires") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  const auto first = commanded(field, R"({"verb":"refresh"})");
  const auto second = commanded(field, R"({"verb":"log-bundle"})");
  CHECK(state(field, first) == "waiting");
  agent.open();
  CHECK(agent.receive().command().id() == first);
  CHECK(agent.receive().command().id() == second);
  agent.result(first, pb::CommandResult::DONE);
  agent.close();
  agent.open();
  CHECK(agent.receive().command().id() == second);
  const auto brief = commanded(field, R"({"verb":"refresh","expires_in_s":1})");
  CHECK(agent.receive().command().id() == brief);
  field.until([&] { return state(field, brief) == "expired"; });
  agent.close();
  agent.open();
  CHECK(agent.receive().command().id() == second);
  agent.expect_nothing();
  // It ran in time all the same, says the kiosk.
  agent.result(brief, pb::CommandResult::DONE);
  CHECK(state(field, brief) == "done");
  const auto page = field.ask("GET", "terminals/K1/commands?limit=2").body;
  REQUIRE(page.at("items").as_array().size() == 2);
  CHECK(text(page.at("items").at(0).at("id")) == brief);
  const auto rest =
      field.ask("GET", "terminals/K1/commands?limit=2&cursor=" + text(page.at("next_cursor"))).body;
  REQUIRE(rest.at("items").as_array().size() == 1);
  CHECK(text(rest.at("items").at(0).at("id")) == first);
  CHECK(rest.at("next_cursor").is_null());
}

TEST_CASE("a result of an unknown command, or of another terminal's, stays an event") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  PlayedAgent other{field, field.kiosk("K2"), 8};
  other.open();
  const auto id = commanded(field, R"({"verb":"refresh"})");
  other.result("no-such-id", pb::CommandResult::DONE);
  other.result(id, pb::CommandResult::DONE);
  CHECK(state(field, id) == "waiting");
  other.expect_nothing();
}

TEST_CASE("a terminal takes 64 open commands, and mistakes are told with their place") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  for (int i = 0; i < 64; ++i) commanded(field, R"({"verb":"refresh"})");
  const auto over = field.ask("POST", "terminals/K1/commands", R"({"verb":"refresh"})");
  CHECK(over.status == 409);
  CHECK(text(over.body.at("detail")).find("64") != std::string::npos);
  const auto none = field.ask("POST", "terminals/K9/commands", R"({"verb":"refresh"})");
  CHECK(none.status == 404);
  const auto wrong = field.ask("POST", "terminals/K1/commands", R"({"verb":"explode"})");
  CHECK(wrong.status == 400);
  CHECK(text(wrong.body.at("detail")).find("log-bundle") != std::string::npos);
  CHECK(field.ask("POST", "terminals/K1/commands", "verb=refresh", "text/plain").status == 415);
  CHECK(field.ask("POST", "terminals/K1/commands", "[").status == 400);
  CHECK(field.ask("DELETE", "terminals/K1/commands").status == 405);
  CHECK(field.ask("GET", "commands/none").status == 404);
  CHECK(field.ask("GET", "terminals/K9/commands").status == 404);
}

TEST_CASE("a second agent of one identity gets no commands and no configuration") {
  Field field;
  const auto tls = field.kiosk("K1");
  PlayedAgent agent{field, tls, 7};
  agent.open();
  REQUIRE(push(field, "a = 1\n").status == 200);
  CHECK(agent.receive().has_configuration());
  commanded(field, R"({"verb":"refresh"})");
  CHECK(agent.receive().has_command());
  PlayedAgent clone{field, tls, 8};
  // The first one answers the probe, as an agent that is alive does.
  bool probed = false;
  asio::co_spawn(
      field.io,
      [&]() -> Task<void> {
        auto frame = co_await agent.link().receive();
        REQUIRE(frame);
        probed = wire::decode(*frame)->has_probe();
        pb::Envelope beat;
        beat.mutable_heartbeat();
        auto sent = co_await agent.link().send(wire::encode(beat));
        REQUIRE(sent);
      },
      [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
      });
  CHECK(clone.open().quarantined());
  CHECK(probed);
  commanded(field, R"({"verb":"refresh"})");
  CHECK(agent.receive().has_command());
  clone.expect_nothing();
}

TEST_CASE("a configuration with a mistake is refused at once; nothing is sent") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  agent.open();
  const auto wrong = push(field, "[agent]\nlanguage = \n");
  CHECK(wrong.status == 400);
  CHECK(text(wrong.body.at("code")) == "bad-configuration");
  CHECK(text(wrong.body.at("detail")).find("agent.toml:2") != std::string::npos);
  CHECK(push(field, "").status == 400);
  CHECK(field.ask("PUT", "terminals/K1/configuration", "{}").status == 415);
  CHECK(field.ask("PUT", "terminals/K9/configuration", "a = 1", "text/plain").status == 404);
  CHECK(field.ask("DELETE", "terminals/K1/configuration").status == 409);
  CHECK(field.ask("POST", "terminals/K1/configuration", "{}").status == 405);
  CHECK(text(configuration(field).at("state")) == "none");
  agent.expect_nothing();
}

TEST_CASE("a configuration that the kiosk turns down is said so and is not sent again") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  agent.open();
  const std::string good = "[agent]\nlanguage = \"en\"\n";
  const std::string bad = "[[device]]\nname = \"receipt\"\ndriver = \"none-such\"\n";
  REQUIRE(push(field, good).status == 200);
  auto got = agent.receive();
  REQUIRE(got.has_configuration());
  CHECK(got.configuration().body() == good);
  CHECK(got.configuration().hash() == identity::sha256(good));
  CHECK(text(configuration(field).at("state")) == "pending");
  agent.report(identity::sha256(good), pb::ConfigurationReport::APPLIED);
  CHECK(text(configuration(field).at("state")) == "applied");
  CHECK(text(configuration(field).at("in_force")) == identity::sha256_hex(good));
  agent.configuration_hash = identity::sha256(good);

  REQUIRE(push(field, bad).status == 200);
  got = agent.receive();
  CHECK(got.configuration().hash() == identity::sha256(bad));
  bool rolled_back = false;
  SUBCASE("refused") {
    agent.report(identity::sha256(bad), pb::ConfigurationReport::REFUSED,
                 "agent.toml:3: device.0.driver: no such driver");
    CHECK(text(configuration(field).at("state")) == "refused");
  }
  SUBCASE("rolled back") {
    rolled_back = true;
    agent.report(identity::sha256(bad), pb::ConfigurationReport::APPLIED);
    CHECK(text(configuration(field).at("state")) == "applied");
    agent.report(identity::sha256(bad), pb::ConfigurationReport::ROLLED_BACK,
                 "agent.toml:3: device.0.driver: no such driver");
    CHECK(text(configuration(field).at("state")) == "rolled_back");
  }
  const auto told = configuration(field);
  CHECK(text(told.at("hash")) == identity::sha256_hex(bad));
  CHECK(text(told.at("detail")).find("agent.toml:3") != std::string::npos);
  agent.close();
  agent.open();
  agent.expect_nothing();
  const auto again = push(field, bad);
  if (rolled_back) {
    // It may run another time: a new push is a new trial.
    CHECK(again.status == 200);
    CHECK(text(configuration(field).at("state")) == "pending");
    CHECK(agent.receive().configuration().body() == bad);
    agent.report(identity::sha256(bad), pb::ConfigurationReport::ROLLED_BACK, "no such driver");
    CHECK(text(configuration(field).at("state")) == "rolled_back");
  } else {
    CHECK(again.status == 409);
    CHECK(text(again.body.at("detail")).find("no such driver") != std::string::npos);
  }
  // Mended, it goes out again.
  REQUIRE(push(field, good + "# mended\n").status == 200);
  CHECK(agent.receive().configuration().body() == good + "# mended\n");
  const auto whole = field.ask("GET", "terminals/K1/configuration").body;
  CHECK(text(whole.at("body")) == good + "# mended\n");
  CHECK(whole.at("history").as_array().size() == (rolled_back ? 4 : 3));
  CHECK(text(whole.at("history").at(1).at("hash")) == identity::sha256_hex(bad));
}

TEST_CASE("what was pushed is sent after Welcome unless the kiosk has it, and can be taken back") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  const std::string body = "[agent]\nlanguage = \"en\"\n";
  const auto hash = identity::sha256(body);
  REQUIRE(push(field, body).status == 200);
  REQUIRE(push(field, body).status == 200);  // the same again changes nothing
  agent.open();
  CHECK(agent.receive().configuration().hash() == hash);
  agent.expect_nothing();
  agent.close();
  // It was applied, and the report is lost with the kiosk's disk: Hello tells.
  agent.configuration_hash = hash;
  agent.open();
  agent.expect_nothing();
  CHECK(text(configuration(field).at("state")) == "applied");
  agent.close();
  // An older disk image: it goes out once more.
  agent.configuration_hash.clear();
  agent.open();
  CHECK(agent.receive().configuration().hash() == hash);
  CHECK(text(configuration(field).at("state")) == "pending");
  agent.report(hash, pb::ConfigurationReport::APPLIED);

  CHECK(field.ask("DELETE", "terminals/K1/configuration").status == 200);
  const auto empty = agent.receive();
  REQUIRE(empty.has_configuration());
  CHECK(empty.configuration().body().empty());
  CHECK(empty.configuration().hash() == no_configuration_hash());
  CHECK(text(configuration(field).at("state")) == "pending");
  agent.report(no_configuration_hash(), pb::ConfigurationReport::APPLIED);
  CHECK(text(configuration(field).at("state")) == "none");
  CHECK(configuration(field).at("in_force").is_null());
  CHECK(text(field.ask("GET", "terminals/K1/configuration").body.at("history").as_array().size()) ==
        "2");
}

TEST_CASE("only ten configurations are remembered") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  for (int i = 0; i < 12; ++i) {
    REQUIRE(push(field, "a = " + std::to_string(i) + "\n").status == 200);
  }
  const auto whole = field.ask("GET", "terminals/K1/configuration").body;
  CHECK(text(whole.at("history").as_array().size()) == "10");
  CHECK(text(whole.at("body")) == "a = 11\n");
}

TEST_CASE("a kiosk that forbids pushed configurations gets none, and the API says why") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  agent.configuration_local = true;
  agent.open();
  REQUIRE(push(field, "a = 1\n").status == 200);
  agent.expect_nothing();
  CHECK(text(configuration(field).at("local")) == "true");
  CHECK(text(configuration(field).at("state")) == "pending");
}

TEST_CASE("a report that still waits on the kiosk is heard before a configuration is sent") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  const std::string body = "a = 1\n";
  REQUIRE(push(field, body).status == 200);
  agent.open();
  CHECK(agent.receive().has_configuration());
  agent.close();
  // It rolled back while the link was down; the report is the one event that waits.
  agent.open(1);
  agent.expect_nothing();
  agent.report(identity::sha256(body), pb::ConfigurationReport::ROLLED_BACK, "could not run");
  agent.expect_nothing();
  CHECK(text(configuration(field).at("state")) == "rolled_back");
  // The other way round: nothing about it waited, so it goes out once all is here.
  REQUIRE(push(field, "a = 2\n").status == 200);
  CHECK(agent.receive().has_configuration());
}

TEST_CASE("a log bundle is taken for an open command of that very kiosk, and can be fetched") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  PlayedAgent other{field, field.kiosk("K2"), 8};
  const auto id = commanded(field, R"({"verb":"log-bundle"})");
  const auto refresh = commanded(field, R"({"verb":"refresh"})");
  const std::string body = R"({"log":")" + std::string(300'000, 'x') + R"("})";

  CHECK(other.upload(id, body).status == 404);
  CHECK(agent.upload(refresh, body).status == 404);
  CHECK(agent.upload("../../etc/passwd", body).status == 404);
  CHECK(agent.upload(id, "").status == 400);
  CHECK(field.ask("GET", "commands/" + id + "/bundle").status == 404);

  const auto answer = agent.upload(id, body);
  REQUIRE_MESSAGE(answer.status == 200, answer.body);
  const auto told = boost::json::parse(answer.body);
  CHECK(text(told.at("sha256")) == identity::sha256_hex(body));
  CHECK(text(told.at("bytes")) == std::to_string(body.size()));
  const auto command = field.ask("GET", "commands/" + id).body;
  CHECK(text(command.at("bundle").at("sha256")) == identity::sha256_hex(body));
  const auto fetched = field.ask("GET", "commands/" + id + "/bundle");
  CHECK(fetched.status == 200);
  CHECK(fetched.whole.body == body);

  agent.open();
  CHECK(agent.receive().has_command());
  CHECK(agent.receive().has_command());
  agent.result(id, pb::CommandResult::DONE);
  CHECK(agent.upload(id, body).status == 409);
  std::filesystem::remove_all(field.folder / "bundles");
  CHECK(field.ask("GET", "commands/" + id + "/bundle").status == 410);
}

TEST_CASE("a bundle's size is judged by the request's head; other paths take no more than before") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  const auto id = commanded(field, R"({"verb":"log-bundle"})");
  CHECK(agent.upload(id, std::string(4 * 1024 * 1024, 'x')).status == 200);
  CHECK(agent.upload(id, std::string(4 * 1024 * 1024 + 1, 'x')).status == 413);
  const auto elsewhere = agent.post("/.well-known/est/simpleenroll", std::string(65 * 1024, 'x'));
  CHECK(elsewhere.status == 413);
}

TEST_CASE("four bundles at a time, the next is told when to come back") {
  Field field;
  const auto tls = field.kiosk("K1");
  PlayedAgent agent{field, tls, 7};
  const auto id = commanded(field, R"({"verb":"log-bundle"})");
  const link::HttpRequest head{.method = "PUT",
                               .target = "/kioskwatch/v1/bundles/" + id,
                               .headers = {},
                               .body = {},
                               .remote = {}};
  const auto peer = field.peer_of("K1");
  std::vector<link::BodyGrant> grants;
  for (std::size_t i = 0; i < BundleUploads::at_a_time; ++i) {
    grants.push_back(field.run(field.gateway->allow(head, peer)));
    CHECK_FALSE(grants.back().instead);
  }
  const auto answer = agent.upload(id, "{}");
  CHECK(answer.status == 503);
  CHECK(answer.headers.at("retry-after") == "15");
  grants.pop_back();
  CHECK(agent.upload(id, "{}").status == 200);
  CHECK(agent.upload(id, "{}").status == 200);
}

TEST_CASE("maintenance by the API: faults wait, its end raises what stands, a timer ends it too") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  agent.open();
  const auto set = [&](const std::string& body) {
    return field.ask("POST", "terminals/K1/maintenance", body);
  };
  const auto orders = [&] { return field.ask("GET", "orders").body.at("items").as_array().size(); };
  CHECK(set(R"({"on":true})").status == 400);
  CHECK(set(R"({"on":true,"reason":"x","until":"2001-01-01T00:00:00Z"})").status == 400);
  CHECK(field.ask("POST", "terminals/K9/maintenance", R"({"on":false})").status == 404);
  CHECK(field.ask("GET", "terminals/K1/maintenance").status == 405);

  const auto on = set(R"({"on":true,"reason":"new paper feed"})");
  REQUIRE(on.status == 200);
  CHECK(text(on.body.at("state")) == "maintenance");
  CHECK(text(on.body.at("maintenance").at("reason")) == "new paper feed");
  CHECK(on.body.at("maintenance").at("until").is_null());
  pb::Event empty;
  wire::Status status;
  status.device = wire::DeviceState::online;
  status.conditions.push_back(wire::condition(*wire::find_condition("media-empty")));
  *empty.mutable_state() = wire::to_wire("receipt", status);
  agent.event(empty);
  CHECK(orders() == 0);
  const auto fault = field.ask("GET", "faults?state=open").body.at("items").at(0);
  CHECK(text(fault.at("suppressed_by")) == "maintenance");
  CHECK(fault.at("order").is_null());
  CHECK(field.ask("GET", "terminals?state=maintenance").body.at("items").as_array().size() == 1);

  SUBCASE("switched off") {
    const auto off = set(R"({"on":false})");
    CHECK(text(off.body.at("state")) == "fault");
    CHECK(off.body.at("maintenance").is_null());
    CHECK(orders() == 1);
    CHECK(set(R"({"on":false})").status == 200);
  }
  SUBCASE("over by itself") {
    const auto until = rfc3339(field.clock.wall() + 2s);
    REQUIRE(set(R"({"on":true,"reason":"new paper feed","until":")" + until + R"("})").status ==
            200);
    field.until([&] { return orders() == 1; });
    CHECK(text(field.ask("GET", "terminals/K1").body.at("state")) == "fault");
  }
  CHECK(field.ask("GET", "faults?state=open").body.at("items").at(0).at("suppressed_by").is_null());
}

TEST_CASE("a device that flaps is marked") {
  Field field;
  PlayedAgent agent{field, field.kiosk("K1"), 7};
  agent.open();
  pb::Event told;
  wire::Status status;
  status.device = wire::DeviceState::online;
  *told.mutable_state() = wire::to_wire("receipt", status);
  agent.event(told);
  const auto mark = [&] {
    return field.ask("GET", "devices").body.at("items").at(0).at("flapping").as_bool();
  };
  CHECK_FALSE(mark());
  status.conditions.push_back({.code = "flapping", .severity = wire::Severity::warning});
  *told.mutable_state() = wire::to_wire("receipt", status);
  agent.event(told);
  CHECK(mark());
  CHECK(field.ask("GET", "faults").body.at("items").as_array().empty());
}
