// A real disk that is full, with the real programs on it: what was acknowledged is there, what
// could not be stored is counted, and when there is room again all goes on by itself. The judge is
// the ledger of loss_test.
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/clock.hpp"
#include "common/db/database.hpp"
#include "common/link/http.hpp"
#include "tests/journeys/rig.hpp"
#include "tests/journeys/small_disk.hpp"
#include "wire/kioskwatch.pb.h"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

/// False where nothing may be mounted; under CI that is a failure.
bool can_mount() {
  const auto why = SmallDisk::refused();
  if (!why) return true;
  const char* ci = std::getenv("CI");
  const bool must = ci != nullptr && std::string_view{ci} == "true";
  const auto text =
      *why + ": run as root, or allow user namespaces (kernel.unprivileged_userns_clone=1)";
  if (must) FAIL("no file system can be mounted: ", text);
  fmt::print("skipped: no file system can be mounted: {}\n", text);
  return false;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::size_t count_in(const std::filesystem::path& file, std::string_view what) {
  const auto text = text_of(file);
  std::size_t out = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++out;
  return out;
}

/// CPU time of a process, user and system, in seconds.
double cpu_seconds(pid_t pid) {
  auto text = text_of(fmt::format("/proc/{}/stat", pid));
  std::istringstream words{text.substr(text.rfind(')') + 2)};
  std::string word;
  for (int i = 0; i < 11; ++i) words >> word;
  double user = 0;
  double system = 0;
  words >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Output kioskctl(const AgentRig& agent, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(),
                   {program("kioskctl"), "--lang", "en", "--data", agent.data().string()});
  return run(arguments);
}

/// Whether the outbox writes to its disk, as the agent says; nothing when it does not answer.
std::optional<bool> on_disk(const AgentRig& agent) {
  const auto told = kioskctl(agent, {"status", "--json"});
  boost::system::error_code error;
  const auto value = boost::json::parse(told.text, error);
  if (error) return std::nullopt;
  const auto* found = value.find_pointer("/outbox/on_disk", error);
  if (found == nullptr || !found->is_bool()) return std::nullopt;
  return found->as_bool();
}

Task<void> ask_into(link::Endpoint at, link::HttpRequest request, link::HttpResponse& out) {
  auto answer = co_await link::http_request(at, nullptr, std::move(request), 10s);
  if (answer) out = std::move(*answer);
}

link::HttpResponse asked(const CollectorRig& collector, const std::string& path) {
  link::HttpRequest request;
  request.target = path;
  link::HttpResponse out{.status = 0};
  asio::io_context io{1};
  spawn(io, "ask", ask_into(*link::Endpoint::parse(collector.people()), std::move(request), out));
  io.run();
  return out;
}

/// How many numbers each reason of a gap covers.
std::map<std::string, std::uint64_t> gaps_in_blocks(const std::filesystem::path& database) {
  auto db = db::Database::open(database, {.read_only = true});
  REQUIRE(db);
  std::map<std::string, std::uint64_t> out;
  for (const auto row : (*db)->rows("SELECT body FROM event_block")) {
    pb::Batch batch;
    const auto body = row.bytes(0);
    REQUIRE(batch.ParseFromArray(body.data(), static_cast<int>(body.size())));
    for (const auto& item : batch.item()) {
      if (item.has_gap()) out[item.gap().reason()] += item.gap().count();
    }
  }
  REQUIRE_FALSE((*db)->failure());
  return out;
}

struct Account {
  std::size_t acknowledged = 0;
  std::size_t lost = 0;
  std::size_t duplicated = 0;
  std::size_t out_of_order = 0;
  std::uint64_t not_written = 0;   ///< numbers in gaps that say so
  std::uint64_t unnamed_gaps = 0;  ///< in gaps of another reason, or of none
};

/// Each number of a gap by itself: gaps side by side become one in the outbox, also after they were
/// sent as two.
Ledger by_number(const Ledger& from) {
  constexpr std::string_view mark = "gap ";
  Ledger out;
  for (const auto& [at, content] : from) {
    pb::Item item;
    if (!content.starts_with(mark)) {
      out.emplace_back(at, content);
      continue;
    }
    REQUIRE(item.mutable_gap()->ParseFromString(content.substr(mark.size())));
    for (std::uint64_t i = 0; i < item.gap().count(); ++i) {
      out.push_back({{at.first, at.second + i}, "gap, " + item.gap().reason()});
    }
  }
  return out;
}

/// The ledger of one terminal; both programs have stopped.
Account account(const AgentRig& agent, const CollectorRig& collector) {
  Account out;
  const auto kept = by_number(kept_in_outbox(agent.data()));
  const auto wrong = differences(kept, by_number(stored_in_blocks(collector.database())));
  out.acknowledged = kept.size();
  for (const auto& line : wrong) {
    MESSAGE(line);
    if (line.starts_with("kept but") || line.starts_with("other")) {
      ++out.lost;
    } else if (line.starts_with("stored but")) {
      ++out.duplicated;
    } else {
      ++out.out_of_order;
    }
  }
  for (const auto& [reason, count] : gaps_in_blocks(collector.database())) {
    (reason == "not-written" ? out.not_written : out.unnamed_gaps) += count;
  }
  return out;
}

void print(std::string_view where, const Account& a, std::uint64_t refused) {
  fmt::print(
      "{{\"torture\":\"disk_full\",\"disk\":\"{}\",\"full_disks\":1,\"refused\":{},"
      "\"acknowledged\":{},"
      "\"lost\":{},\"duplicated\":{},\"out_of_order\":{},\"not_written\":{},\"unnamed_gaps\":{}}}"
      "\n",
      where, refused, a.acknowledged, a.lost, a.duplicated, a.out_of_order, a.not_written,
      a.unnamed_gaps);
}

void check(const Account& a) {
  CHECK(a.acknowledged > 0);
  CHECK(a.lost == 0);
  CHECK(a.duplicated == 0);
  CHECK(a.out_of_order == 0);
  CHECK(a.unnamed_gaps == 0);
}

}  // namespace

TEST_CASE("a kiosk whose disk is full counts what it cannot keep and goes on when there is room") {
  if (!can_mount()) return;
  const TempFolder folder;
  const SmallDisk disk{folder / "agent", 12};
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig printers{folder / "printers", 4, 150, 200};
  AgentRig agent{folder / "agent", "outbox_mib = 8\n" + printers.configuration()};
  agent.enroll(collector, "K1");
  agent.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 20; }));
  CHECK(on_disk(agent) == true);
  REQUIRE(std::filesystem::exists(agent.data() / "outbox.reserve"));

  // The reserve carries it on for a while; then that is full too.
  REQUIRE(eventually(60s, [&] {
    disk.fill();
    return on_disk(agent) == false;
  }));
  CHECK_FALSE(std::filesystem::exists(agent.data() / "outbox.reserve"));
  CHECK(count_in(agent.log(), "outbox-reserve-released") > 0);
  const auto said = kioskctl(agent, {"status"});
  CHECK(said.code != 0);
  CHECK_MESSAGE(said.text.find("cannot be written") != std::string::npos, said.text);
  CHECK(kioskctl(agent, {"doctor"}).text.find("disk") != std::string::npos);

  // Faults come and heal all the while, and the agent does not spin over them.
  const auto cpu = cpu_seconds(agent.process().pid());
  const SystemClock clock;
  const auto begun = clock.mono();
  CHECK_FALSE(eventually(6s, [&] {
    disk.fill();
    return !on_disk(agent).has_value();  // it answers all the while
  }));
  const std::chrono::duration<double> took = clock.mono() - begun;
  const auto share = (cpu_seconds(agent.process().pid()) - cpu) / took.count();
  MESSAGE("CPU share while full: ", share);
  CHECK(share < 0.5);
  const auto refused = count_in(agent.log(), "outbox-write-failed");
  CHECK(refused > 0);
  CHECK(refused < 20);  // nor does it fill the log

  disk.empty();
  const auto then = collector.stored_events();
  REQUIRE(eventually(60s, [&] { return on_disk(agent) == true; }));
  REQUIRE(eventually(60s, [&] { return collector.stored_events() > then + 40; }));
  printers.kill();
  REQUIRE(eventually(60s, [&] { return agent.unacknowledged() == 0; }));
  CHECK(agent.stop() == 0);
  CHECK(collector.stop() == 0);
  const auto found = account(agent, collector);
  print("agent", found, refused);
  check(found);
  CHECK(found.not_written > 0);
}

TEST_CASE("a collector whose disk is full acknowledges nothing, says so, and then has all once") {
  if (!can_mount()) return;
  const TempFolder folder;
  const SmallDisk disk{folder / "collector", 8};
  CollectorRig collector{folder / "collector"};
  std::ofstream{collector.data() / "rules.toml"}
      << "[defaults]\nhold_s = 0\nclear_s = 0\nsilence_s = 3\n";
  collector.start();
  PrintersRig printers{folder / "printers", 4, 150, 200};
  AgentRig agent{folder / "agent", printers.configuration()};
  agent.enroll(collector, "K1");
  AgentRig quiet{folder / "quiet", ""};
  quiet.enroll(collector, "K2");
  AgentRig gone{folder / "gone", ""};
  gone.enroll(collector, "K3");
  for (auto* each : {&agent, &quiet, &gone}) each->start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 20; }));
  for (auto* each : {&agent, &quiet, &gone}) {
    REQUIRE(eventually(30s, [&] { return each->status("/uplink/phase") == "live"; }));
  }
  REQUIRE(eventually(10s, [&] { return asked(collector, "/healthz").status == 200; }));
  CHECK(asked(collector, "/api/v1/faults").body.find("terminal-silent") == std::string::npos);

  REQUIRE(eventually(60s, [&] {
    disk.fill();
    return asked(collector, "/healthz").status == 503;
  }));
  const auto unwell = asked(collector, "/healthz");
  CHECK_MESSAGE(unwell.body.find("disk is full") != std::string::npos, unwell.body);
  gone.kill();
  const auto then = collector.stored_events();
  const auto waiting = agent.unacknowledged();
  REQUIRE(eventually(30s, [&] {
    disk.fill();
    return agent.unacknowledged() > waiting + 100;
  }));
  CHECK(collector.stored_events() == then);
  CHECK(asked(collector, "/healthz").status == 503);
  CHECK(collector.process().running());
  const auto refused = count_in(collector.log(), "write-failed");
  CHECK(refused > 0);
  CHECK(refused < 20);
  CHECK(count_in(collector.log(), "writes-again") < 20);

  disk.empty();
  REQUIRE(eventually(60s, [&] { return collector.stored_events() > then + 100; }));
  REQUIRE(eventually(30s, [&] { return asked(collector, "/healthz").status == 200; }));
  // Who is gone is silent, in the end; who only could not be heard is not.
  REQUIRE(eventually(60s, [&] {
    return asked(collector, "/api/v1/faults?terminal=K3").body.find("terminal-silent") !=
           std::string::npos;
  }));
  for (const char* heard : {"K1", "K2"}) {
    const auto faults = asked(collector, "/api/v1/faults?terminal=" + std::string{heard}).body;
    CHECK_MESSAGE(faults.find("terminal-silent") == std::string::npos, faults);
    const auto orders = asked(collector, "/api/v1/orders?terminal=" + std::string{heard}).body;
    CHECK_MESSAGE(orders.find("terminal-silent") == std::string::npos, orders);
  }
  printers.kill();
  REQUIRE(eventually(60s, [&] { return agent.unacknowledged() == 0; }));
  CHECK(agent.stop() == 0);
  CHECK(quiet.stop() == 0);
  CHECK(collector.stop() == 0);
  const auto found = account(agent, collector);
  print("collector", found, refused);
  check(found);
  CHECK(found.not_written == 0);
}
