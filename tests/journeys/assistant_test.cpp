// What a business application tells, with the real programs: nothing is lost and nothing counted
// twice while the collector is away and the agent is killed; and the manual's examples run.
#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/db/database.hpp"
#include "common/link/http.hpp"
#include "tests/journeys/rig.hpp"
#include "tests/support/ports.hpp"
#include "wire/kioskwatch.pb.h"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

std::string read(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// A kiosk whose applications may tell what they do.
struct Kiosk {
  explicit Kiosk(const TempFolder& folder)
      : port(closed_port()),
        token_file(folder / "token"),
        agent(folder / "agent", fmt::format("[assistant]\nlisten = \"127.0.0.1:{}\"\n"
                                            "token_file = \"{}\"\nevents_per_s = 1000\n"
                                            "[[device]]\nname = \"receipt\"\ndriver = \"escpos\"\n"
                                            "port = \"tcp://127.0.0.1:{}\"\n"
                                            "[[device]]\nname = \"scanner\"\n"
                                            "driver = \"scanner\"\npoll_ms = 100\n"
                                            "port = \"serial:/dev/null\"\n",
                                            port, token_file.string(), closed_port())) {}

  std::uint16_t port;
  std::filesystem::path token_file;
  AgentRig agent;
};

Task<void> send(link::Endpoint to, link::HttpRequest request, int& status) {
  auto answer = co_await link::http_request(to, nullptr, std::move(request), 5s);
  status = answer ? answer->status : 0;
}

/// Tells as an application should: the same thing again until it is answered.
class Application {
 public:
  explicit Application(const Kiosk& kiosk) : to_{"127.0.0.1", kiosk.port} {
    REQUIRE(eventually(20s, [&] { return read(kiosk.token_file).size() == 65; }));
    token_ = read(kiosk.token_file).substr(0, 64);
  }

  /// The status of the answer, after however many tries it took.
  int tell(const std::string& path, const std::string& body) {
    for (int attempt = 0; attempt < 2'000; ++attempt) {
      const int status = once(path, body);
      if (status != 0 && status != 503) return status;
      ++retries;
      std::this_thread::sleep_for(10ms);  // nobody answers: the agent is dead just now
    }
    return 0;
  }
  int transaction(int number) {
    return tell("/v1/transactions",
                fmt::format(R"({{"id":"t-{}","business":"sb-01","result":"succeeded"}})", number));
  }

  std::atomic<int> retries = 0;

 private:
  int once(const std::string& path, const std::string& body) const {
    asio::io_context io{1};
    link::HttpRequest request{
        "POST",
        path,
        {{"authorization", "Bearer " + token_}, {"content-type", "application/json"}},
        body,
        {}};
    int status = 0;
    spawn(io, "application", send(to_, std::move(request), status));
    io.run();
    return status;
  }

  link::Endpoint to_;
  std::string token_;
};

/// What applications told, as the collector keeps it, in its order.
std::vector<std::string> told(const std::filesystem::path& database) {
  auto db = db::Database::open(database, {.read_only = true});
  REQUIRE(db);
  std::vector<std::string> out;
  for (const auto row :
       (*db)->rows("SELECT b.body FROM event_block b JOIN epoch e ON e.terminal=b.terminal AND "
                   "e.epoch=b.epoch ORDER BY e.epoch_no, b.rowid")) {
    pb::Batch batch;
    const auto body = row.bytes(0);
    REQUIRE(batch.ParseFromArray(body.data(), static_cast<int>(body.size())));
    for (const auto& item : batch.item()) {
      CHECK_FALSE(item.has_gap());
      const auto& event = item.event();
      if (event.has_transaction()) {
        CHECK(event.transaction().session() == "s-1");
        out.push_back(event.transaction().id());
      } else if (event.has_session()) {
        out.push_back(event.session().reason().empty() ? "begin" : event.session().reason());
      }
    }
  }
  REQUIRE_FALSE((*db)->failure());
  return out;
}

/// The blocks of one language in a manual, one after the other.
std::string examples(const std::filesystem::path& manual, const std::string& language) {
  std::ifstream in{manual};
  std::string out;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = !inside && line == "```" + language;
    } else if (inside) {
      out += line + "\n";
    }
  }
  return out;
}

}  // namespace

TEST_CASE("what applications tell during an outage and kills arrives once and in order") {
  constexpr int all = 300;
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  Kiosk kiosk{folder};
  kiosk.agent.enroll(collector, "K1");
  kiosk.agent.start();
  Application application{kiosk};
  CHECK(application.tell("/v1/sessions", R"({"id":"s-1"})") == 201);
  REQUIRE(eventually(20s, [&] { return collector.stored_events() > 1; }));

  collector.kill();
  std::atomic<int> reached = 0;
  std::atomic<int> refused = 0;
  std::thread teller{[&] {
    for (int i = 0; i < all; ++i) {
      refused += application.transaction(i) == 201 ? 0 : 1;
      reached = i + 1;
    }
  }};
  // Each kill meets the application in the middle of what it tells.
  for (const int at : {40, 80, 120, 160, 200}) {
    CHECK(eventually(60s, [&] { return reached >= at; }));
    kiosk.agent.kill();
    kiosk.agent.start();
  }
  teller.join();
  CHECK(refused == 0);
  CHECK(application.retries > 0);
  // Told again, it is what it was.
  CHECK(application.transaction(0) == 201);
  CHECK(kiosk.agent.status("/assistant/session/id") == "s-1");
  CHECK(application.tell("/v1/sessions/s-1/end", R"({"reason":"completed"})") == 200);
  CHECK(application.tell("/v1/sessions/s-1/end", R"({"reason":"completed"})") == 200);

  collector.start();
  REQUIRE(eventually(60s, [&] { return kiosk.agent.unacknowledged() == 0; }));
  kiosk.agent.stop();
  collector.stop();
  std::vector<std::string> wanted{"begin"};
  for (int i = 0; i < all; ++i) wanted.push_back(fmt::format("t-{}", i));
  wanted.emplace_back("completed");
  CHECK(told(collector.database()) == wanted);
  const auto listed = collector.command({"events", "--terminal", "K1"});
  CHECK(listed.text.find(R"("transaction":"t-299","business":"sb-01","result":"succeeded")") !=
        std::string::npos);
}

TEST_CASE("a device that its application found failing is not well because the agent was killed") {
  const TempFolder folder;
  Kiosk kiosk{folder};
  /// The scanner's states, oldest first: evidence and conditions.
  const auto states = [&] {
    std::vector<std::string> out;
    const auto listed = run({program("kioskctl"), "--data", kiosk.agent.data().string(), "events",
                             "--json", "--device", "scanner"});
    boost::system::error_code wrong;
    const auto value = boost::json::parse(listed.text, wrong);
    if (wrong || !value.as_object().contains("events")) return out;  // the agent is not up yet
    for (const auto& event : value.at("events").as_array()) {
      if (event.at("class") != "state") continue;
      std::string line{std::string_view{event.at("evidence").as_string()}};
      for (const auto& c : event.at("conditions").as_array()) {
        line += " " + std::string{std::string_view{c.at("code").as_string()}};
      }
      out.push_back(line);
    }
    return out;
  };
  const auto last = [&] {
    const auto all = states();
    return all.empty() ? std::string{} : all.back();
  };
  kiosk.agent.start();
  Application application{kiosk};
  using Lines = std::vector<std::string>;
  REQUIRE(eventually(20s, [&] { return states() == Lines{"presenceOnly"}; }));
  for (int i = 0; i < 3; ++i) {
    CHECK(application.tell("/v1/device-results",
                           R"({"device":"scanner","worked":false,"vendor_code":"E7"})") == 202);
  }
  REQUIRE(eventually(20s, [&] { return last() == "driverReport results-failing"; }));
  const auto before = states().size();
  kiosk.agent.kill();
  kiosk.agent.start();
  // Looked at anew, and still as old as the application's word is.
  REQUIRE(eventually(20s, [&] {
    const auto shown = run({program("kioskctl"), "--data", kiosk.agent.data().string(), "devices",
                            "scanner", "--json"});
    const auto has = [&](const char* part) { return shown.text.find(part) != std::string::npos; };
    return has(R"("report_age_ms":)") && !has(R"("report_age_ms":null)");
  }));
  CHECK(states().size() == before);
  CHECK(application.tell("/v1/device-results", R"({"device":"scanner","worked":true})") == 202);
  // The next word of it is the application's, and only that ends it.
  REQUIRE(eventually(20s, [&] { return last() == "driverReport"; }));
  const auto all = states();
  CHECK(all.size() == before + 1);
  CHECK(all.at(all.size() - 2) == "driverReport results-failing");
}

TEST_CASE("the manual's examples run as they stand, in both languages") {
  const std::filesystem::path manuals{KW_SOURCE "/agent/local_api"};
  for (const auto& name : {std::string{"README.md"}, std::string{"README.zh-CN.md"}}) {
    CAPTURE(name);
    const TempFolder folder;
    Kiosk kiosk{folder};
    kiosk.agent.start();
    REQUIRE(eventually(20s, [&] { return read(kiosk.token_file).size() == 65; }));
    REQUIRE(eventually(20s, [&] { return !kiosk.agent.status("/assistant/address").empty(); }));
    const auto script = folder / "examples.sh";
    const auto shell = examples(manuals / name, "sh");
    REQUIRE(shell.find("curl") != std::string::npos);
    std::ofstream{script} << fmt::format("ASSISTANT=http://127.0.0.1:{}\nTOKEN_FILE={}\n",
                                         kiosk.port, kiosk.token_file.string())
                          << shell;
    const auto ran = run({"/bin/sh", "-eu", script.string()});
    CHECK_MESSAGE(ran.code == 0, ran.text);
    for (const std::string& part : std::vector<std::string>{
             "began_at", "recorded_at", "received_at", "duration_ms", "\"devices\":[",
             "unknown-field", name == "README.md" ? "refused, as it should be" : "如期被拒绝"}) {
      CHECK_MESSAGE(ran.text.find(part) != std::string::npos, part << " is not in:\n" << ran.text);
    }
    // A session, what was told in it, and its end.
    CHECK(eventually(10s, [&] { return kiosk.agent.unacknowledged() >= 6; }));
    CHECK(kiosk.agent.status("/assistant/last_session/reason") == "completed");
  }
}
