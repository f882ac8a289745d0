// A receipt printer's roll as its people see it: told, near its end, out, changed; through a power
// cut, and on the collector.
#include <filesystem>
#include <fstream>
#include <regex>

#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>

#include "common/clock.hpp"
#include "common/db/database.hpp"
#include "common/link/http.hpp"
#include "tests/journeys/rig.hpp"
#include "wire/kioskwatch.pb.h"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

std::string content(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// One simulated printer that does what it is told.
struct Printer {
  explicit Printer(const std::filesystem::path& folder) : control(folder / "control") {
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "scenario.toml"}
        << "[[device]]\nname = \"receipt\"\nprotocol = \"escpos\"\n"
           "port = \"tcp://127.0.0.1:0\"\nmodel = \"epson\"\n";
    const auto out = folder / "out";
    process = Process{{program("kiosk-devices"), "run", (folder / "scenario.toml").string(),
                       "--control", control.string()},
                      out};
    const std::regex where{R"re("port":"(tcp:[^"]+)")re"};
    std::smatch found;
    std::string text;
    REQUIRE(eventually(30s, [&] {
      text = content(out);
      return std::regex_search(text, found, where);
    }));
    port = found[1];
  }
  void set(const char* condition, const char* on) const {
    const auto done = run(
        {program("kiosk-devices"), "set", "--control", control.string(), "receipt", condition, on});
    REQUIRE_MESSAGE(done.code == 0, done.text);
  }
  std::filesystem::path control;
  std::string port;
  Process process;
};

struct Answer {
  int code;
  json::value body;
};

Answer ask(const AgentRig& agent, std::vector<std::string> words) {
  words.insert(words.begin(), {program("kioskctl"), "--data", agent.data().string(), "--config",
                               agent.data().string() + ".toml", "--lang", "en"});
  words.emplace_back("--json");
  const auto told = run(words);
  json::error_code wrong;
  auto body = json::parse(told.text, wrong);
  CHECK_MESSAGE(!wrong, told.text);
  return {told.code, std::move(body)};
}

/// What `kioskctl devices receipt` says of the paper: "state level source".
std::string paper(const AgentRig& agent) {
  const auto answer = ask(agent, {"devices", "receipt"});
  json::error_code none;
  const auto* found = answer.body.find_pointer("/device/consumables/0", none);
  if (found == nullptr) return {};
  const auto& c = found->get_object();
  return std::string{std::string_view{c.at("state").get_string()}} + " " +
         json::serialize(c.at("available")) + " " +
         std::string{std::string_view{c.at("source").get_string()}};
}

bool becomes(const AgentRig& agent, const std::string& wanted) {
  const bool came = eventually(20s, [&] { return paper(agent) == wanted; });
  if (!came) MESSAGE("paper is " << paper(agent) << ", not " << wanted);
  return came;
}

Task<void> ask_into(link::Endpoint at, link::HttpRequest request, link::HttpResponse& out) {
  auto answer = co_await link::http_request(at, nullptr, std::move(request), 10s);
  if (answer) out = std::move(*answer);
}

/// What the collector's API answers.
std::string listed(const CollectorRig& collector, const std::string& path) {
  link::HttpRequest request;
  request.method = "GET";
  request.target = path;
  link::HttpResponse out{.status = 0};
  asio::io_context io{1};
  spawn(io, "ask", ask_into(*link::Endpoint::parse(collector.people()), std::move(request), out));
  io.run();
  return out.body;
}

/// The refills in the collector's blocks: detected or not, in their order.
std::vector<bool> refills_stored(const CollectorRig& collector) {
  auto db = db::Database::open(collector.database(), {.read_only = true});
  REQUIRE(db);
  std::vector<bool> out;
  for (const auto row : (*db)->rows("SELECT body FROM event_block ORDER BY rowid")) {
    pb::Batch batch;
    const auto body = row.bytes(0);
    REQUIRE(batch.ParseFromArray(body.data(), static_cast<int>(body.size())));
    for (const auto& item : batch.item()) {
      if (item.event().has_refill()) out.push_back(item.event().refill().detected());
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a roll is told, runs low, ends and is changed; kiosk and collector agree all along") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  const Printer printer{folder / "printer"};
  AgentRig agent{folder / "agent",
                 "[[device]]\nname = \"receipt\"\ndriver = \"escpos\"\nport = \"" + printer.port +
                     "\"\npoll_ms = 100\nsettings = { model = \"epson\" }\n"
                     "[[device.consumable]]\ntype = \"receipt_paper\"\n"
                     "unit = \"metres\"\ncapacity = 80\nnear_end = 3\n"
                     "warn = 10\n"};
  agent.enroll(collector, "K1");
  agent.start();
  REQUIRE(becomes(agent, "full null flag"));  // paper, and nobody knows how much

  CHECK(ask(agent, {"refill", "printer"}).code == 2);
  CHECK(ask(agent, {"refill", "receipt", "toner_pink"}).code == 2);
  CHECK(ask(agent, {"refill", "receipt", "--amount", "-3"}).code == 2);
  CHECK(ask(agent, {"devices", "printer"}).code == 2);
  const auto told = ask(agent, {"refill", "receipt"});
  CHECK(told.code == 0);
  CHECK(told.body.at("refill").at("level").to_number<double>() == 80);
  REQUIRE(becomes(agent, "full 80 technician"));

  // A power cut: what was told is on disk.
  agent.kill();
  agent.start();
  REQUIRE(becomes(agent, "full 80 technician"));

  printer.set("media-low", "on");
  REQUIRE(becomes(agent, "low 3 flag"));
  printer.set("media-empty", "on");
  REQUIRE(becomes(agent, "out 0 flag"));
  const auto text = run(
      {program("kioskctl"), "--data", agent.data().string(), "--lang", "en", "devices", "receipt"});
  CHECK(text.text.find("receipt paper out 0 m / 80 (by its sensor)") != std::string::npos);
  CHECK(text.code == 1);

  printer.set("cover-open", "on");
  REQUIRE(eventually(20s, [&] {
    return json::serialize(ask(agent, {"devices", "receipt"}).body).find("cover-open") !=
           std::string::npos;
  }));
  printer.set("media-low", "off");
  printer.set("media-empty", "off");
  printer.set("cover-open", "off");
  REQUIRE(becomes(agent, "full 80 counted"));
  REQUIRE(
      eventually(20s, [&] { return refills_stored(collector) == std::vector<bool>{false, true}; }));
  std::string text_of_all;
  REQUIRE(eventually(20s, [&] {
    text_of_all = listed(collector, "/api/v1/consumables");
    return text_of_all.find(R"("available":80)") != std::string::npos;
  }));
  CHECK(text_of_all.find(R"("source":"counted")") != std::string::npos);
  CHECK(text_of_all.find(R"("days_left":null)") != std::string::npos);
  const auto events = run({program("kioskctl"), "--data", agent.data().string(), "--lang", "en",
                           "events", "--count", "50"});
  CHECK(events.text.find("receipt paper refilled, now 80 m (detected)") != std::string::npos);
  CHECK(agent.stop() == 0);
}
