// What is asked of a kiosk from afar, with the real programs on both ends.
#include <fstream>
#include <iterator>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <doctest/doctest.h>

#include "common/identity/keys.hpp"
#include "common/link/http.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// A member by JSON pointer as text; empty when it is not there or null.
std::string at(const std::string& text, std::string_view pointer) {
  boost::system::error_code wrong;
  const auto value = boost::json::parse(text, wrong);
  const auto* found = wrong ? nullptr : value.find_pointer(pointer, wrong);
  if (found == nullptr || found->is_null()) return {};
  return found->is_string() ? std::string{found->get_string()} : boost::json::serialize(*found);
}

Task<void> fetch(link::Endpoint from, std::string target, std::string& body) {
  link::HttpRequest request{"GET", "/api/v1/" + target, {}, {}, {}};
  auto answer = co_await link::http_request(from, nullptr, std::move(request), 10s);
  if (answer) body = answer->body;
}

struct Scene {
  explicit Scene(const TempFolder& folder)
      : collector(folder / "collector"),
        printers((collector.start(), folder / "printers"), 1, 300, 600),
        agent(folder / "agent", printers.configuration()),
        own_file(folder / "agent.toml") {
    agent.enroll(collector, "K1");
    agent.start();
    REQUIRE(eventually(30s, [&] { return collector.stored_events() > 3; }));
  }

  Output ask(std::vector<std::string> words) {
    words.insert(words.begin(), program("kiosk-collector"));
    for (const auto* word : {"--terminal", "K1", "--data"}) words.emplace_back(word);
    words.push_back(collector.database().parent_path().string());
    return run(words);
  }
  Output push(const std::string& text) {
    const auto file = own_file.string() + ".next";
    std::ofstream{file} << text;
    return ask({"config", "push", file});
  }
  std::string get(const std::string& target) const {
    const auto from = link::Endpoint::parse(collector.people());
    REQUIRE(from);
    asio::io_context io{1};
    std::string body;
    spawn(io, "get", fetch(*from, target, body));
    io.run();
    return body;
  }
  /// What the collector says of the configuration.
  std::string configuration(const std::string& key) const {
    return at(get("terminals/K1"), "/configuration/" + key);
  }
  /// What the kiosk says of it.
  std::string on_kiosk(const std::string& key) const {
    const auto told =
        run({program("kioskctl"), "--data", agent.data().string(), "status", "--json"});
    return at(told.text, "/configuration/" + key);
  }
  /// The kiosk goes on asking its printer.
  bool still_watched() {
    const auto now = collector.stored_events();
    return eventually(30s, [&] { return collector.stored_events() > now + 3; });
  }

  CollectorRig collector;
  PrintersRig printers;
  AgentRig agent;
  std::filesystem::path own_file;
};

}  // namespace

TEST_CASE(
    "a pushed configuration with a mistake leaves the kiosk running on the old one and says so on "
    "both ends") {
  const TempFolder folder;
  Scene scene{folder};
  const auto good = read(scene.own_file) + "# pushed\n";
  const auto hash = identity::sha256_hex(good);
  REQUIRE(scene.push(good).code == 0);
  REQUIRE(eventually(60s, [&] { return scene.configuration("state") == "applied"; }));
  // The kiosk takes it for proved when its drivers have run a while.
  REQUIRE(eventually(60s, [&] { return scene.on_kiosk("state") == "applied"; }));
  CHECK(scene.configuration("in_force") == hash);
  CHECK(scene.on_kiosk("hash") == hash);
  CHECK(scene.still_watched());

  SUBCASE("no TOML at all: refused at once, with the line") {
    const auto said = scene.push("[agent]\nlanguage = \n");
    CHECK(said.code != 0);
    CHECK_MESSAGE(said.text.find("agent.toml:2") != std::string::npos, said.text);
    CHECK(scene.configuration("state") == "applied");
  }
  SUBCASE("a device that cannot be: the kiosk refuses it, with the line") {
    const auto wrong = good + "[[device]]\nname = \"card\"\ndriver = \"no-such-driver\"\n";
    REQUIRE(scene.push(wrong).code == 0);
    REQUIRE(eventually(60s, [&] { return scene.configuration("state") == "refused"; }));
    CHECK(scene.configuration("hash") == identity::sha256_hex(wrong));
    CHECK(scene.configuration("detail").find("driver") != std::string::npos);
    CHECK(read(scene.collector.log()).find("configuration-turned-down") != std::string::npos);
    CHECK(scene.on_kiosk("state") == "refused");
    CHECK(scene.on_kiosk("detail").find("driver") != std::string::npos);
    // The same text again is not worth the kiosk's time.
    const auto again = scene.push(wrong);
    CHECK(again.code != 0);
    CHECK_MESSAGE(again.text.find("driver") != std::string::npos, again.text);
    scene.agent.stop();
    scene.agent.start();
    CHECK(eventually(30s, [&] { return scene.on_kiosk("state") == "refused"; }));
    CHECK(scene.configuration("state") == "refused");
  }
  CHECK(scene.configuration("in_force") == hash);
  CHECK(scene.on_kiosk("hash") == hash);
  CHECK(scene.still_watched());

  REQUIRE(scene.ask({"config", "clear"}).code == 0);
  CHECK(eventually(60s, [&] { return scene.configuration("state") == "none"; }));
  CHECK(scene.on_kiosk("source") == "local");
  CHECK(scene.still_watched());
  scene.agent.stop();
  scene.collector.stop();
}

TEST_CASE("commands are carried out by the kiosk, and what it found comes back") {
  const TempFolder folder;
  Scene scene{folder};
  const auto refreshed = scene.ask({"command", "refresh", "--wait"});
  CHECK_MESSAGE(refreshed.code == 0, refreshed.text);
  CHECK(at(refreshed.text, "/state") == "done");
  const auto tested = scene.ask({"command", "self-test", "--device", "no-such", "--wait"});
  CHECK(tested.code == 1);
  CHECK_MESSAGE(at(tested.text, "/state") == "refused", tested.text);
  CHECK(at(tested.text, "/detail").find("no-such") != std::string::npos);

  // It waits for a kiosk that is away.
  scene.agent.stop();
  const auto bundle = scene.ask({"command", "log-bundle"});
  REQUIRE_MESSAGE(bundle.code == 0, bundle.text);
  const auto id = bundle.text.substr(0, bundle.text.find('\n'));
  CHECK(at(scene.get("commands/" + id), "/state") == "waiting");
  scene.agent.start();
  REQUIRE(eventually(60s, [&] { return at(scene.get("commands/" + id), "/state") == "done"; }));
  const auto kept = scene.get("commands/" + id + "/bundle");
  CHECK(identity::sha256_hex(kept) == at(scene.get("commands/" + id), "/bundle/sha256"));
  CHECK(kept.starts_with("{"));
  scene.agent.stop();
  scene.collector.stop();
}

TEST_CASE("the command line says what is wrong with an order, and that a collector must run") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  const auto ask = [&](std::vector<std::string> words) {
    words.insert(words.begin(), program("kiosk-collector"));
    words.emplace_back("--data");
    words.push_back(collector.database().parent_path().string());
    return run(words);
  };
  const auto away = ask({"maintenance", "on", "--terminal", "K1", "--reason", "x"});
  CHECK(away.code == 1);
  CHECK_MESSAGE(away.text.find("start") != std::string::npos, away.text);
  collector.start();
  static_cast<void>(collector.token("K1"));
  CHECK(ask({"maintenance", "on", "--terminal", "K1"}).code == 2);
  CHECK(ask({"command", "--terminal", "K1", "explode"}).code == 2);
  const auto nobody = ask({"maintenance", "on", "--terminal", "K9", "--reason", "x"});
  CHECK(nobody.code == 1);
  CHECK_MESSAGE(nobody.text.find("no terminal K9") != std::string::npos, nobody.text);
  CHECK(ask({"maintenance", "on", "--terminal", "K1", "--reason", "new paper feed"}).code == 0);
  CHECK(ask({"maintenance", "off", "--terminal", "K1"}).code == 0);
  const auto none = ask({"config", "show", "--terminal", "K1"});
  CHECK(none.code == 0);
  CHECK_MESSAGE(none.text.find("none") != std::string::npos, none.text);
  CHECK(ask({"config", "push", "--terminal", "K1", (folder / "missing.toml").string()}).code == 1);
  collector.stop();
}
