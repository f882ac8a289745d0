// A kiosk whose clock is wrong by years, or is set while it runs: events get the time at which they
// happened, in order. The agent's clock is libfaketime's; the collector's is the system's.
#include "common/clock.hpp"

#include <cstdlib>
#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "common/db/database.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

/// What a dialled collector and a poll may take; far below any fault of the clocks in these tests.
constexpr Duration close_to = 10s;

/// A clock that can be set from outside.
class Skew {
 public:
  explicit Skew(const std::filesystem::path& folder) : file_(folder / "clock") { set("+0"); }
  /// "-10y", "+1d": from now on, for every program started with `environment`.
  void set(const std::string& by) const {
    // Read again at every look at the clock: never half written.
    const auto next = file_.string() + ".next";
    std::ofstream{next} << by;
    std::filesystem::rename(next, file_);
  }
  std::vector<std::string> environment() const {
    return {"LD_PRELOAD=" KW_FAKETIME, "FAKETIME_TIMESTAMP_FILE=" + file_.string(),
            "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"};
  }

 private:
  std::filesystem::path file_;
};

void enroll(const AgentRig& agent, const CollectorRig& collector, const Skew& skew,
            const std::filesystem::path& folder) {
  Process process{{program("kiosk-agent"), "enroll", "--data", agent.data().string(), "--server",
                   "https://" + collector.agents(), "--token", collector.token("K1")},
                  folder / "enroll.log",
                  skew.environment()};
  std::ifstream said{folder / "enroll.log"};
  const int code = process.wait();
  REQUIRE_MESSAGE(code == 0, std::string(std::istreambuf_iterator<char>{said}, {}));
}

struct Block {
  WallTime first;
  WallTime last;
  WallTime received;
  bool uncertain;
};

std::vector<Block> blocks(const CollectorRig& collector) {
  auto db = db::Database::open(collector.database(), {.read_only = true});
  REQUIRE(db);
  std::vector<Block> out;
  for (const auto row : (*db)->rows("SELECT first_at, last_at, received_at, uncertain FROM "
                                    "event_block ORDER BY rowid")) {
    out.push_back({wall_from(row.integer(0)), wall_from(row.integer(1)), wall_from(row.integer(2)),
                   row.integer(3) != 0});
  }
  REQUIRE_FALSE((*db)->failure());
  return out;
}

/// Every event lies within the test's own time, none before the one it follows.
void check_times(const CollectorRig& collector, WallTime begin) {
  const auto all = blocks(collector);
  const auto end = SystemClock{}.wall();
  auto before = begin - close_to;
  for (const auto& block : all) {
    CHECK_FALSE(block.uncertain);
    CHECK(block.first >= before);
    CHECK(block.last >= block.first);
    CHECK(block.last <= block.received + close_to);
    CHECK(block.last <= end + close_to);
    before = block.last;
  }
  CHECK(all.size() > 2);
}

}  // namespace

TEST_CASE("a clock wrong by ten years before the first contact harms neither enrolment nor times") {
  for (const int years : {-10, 10}) {
    const auto wrong = fmt::format("{:+}y", years);
    CAPTURE(wrong);
    const TempFolder folder;
    const Skew skew{folder.path()};
    skew.set(wrong);
    CollectorRig collector{folder / "collector"};
    collector.start();
    const auto begin = SystemClock{}.wall();
    PrintersRig printers{folder / "printers", 2, 150, 60};
    AgentRig agent{folder / "agent", printers.configuration()};
    enroll(agent, collector, skew, folder.path());
    // Some events are written before anybody told the time.
    collector.stop();
    agent.start(skew.environment());
    REQUIRE(eventually(30s, [&] { return agent.unacknowledged() > 10; }));
    collector.start();
    REQUIRE(eventually(30s, [&] { return collector.stored_events() > 30; }));
    printers.kill();
    REQUIRE(eventually(30s, [&] { return agent.unacknowledged() == 0; }));
    agent.stop();
    collector.stop();
    check_times(collector, begin);
    // It was wrong indeed: the agent's log has its own idea of the year.
    std::ifstream log{agent.log()};
    std::string year(4, '\0');
    log.read(year.data(), 4);
    CHECK(std::abs(std::stoi(year) - std::stoi(rfc3339(begin).substr(0, 4)) - years) <= 1);
  }
}

TEST_CASE("a clock that is set while the kiosk is connected changes no event's time") {
  const TempFolder folder;
  const Skew skew{folder.path()};
  CollectorRig collector{folder / "collector"};
  collector.start();
  const auto begin = SystemClock{}.wall();
  PrintersRig printers{folder / "printers", 2, 150, 60};
  AgentRig agent{folder / "agent", printers.configuration()};
  enroll(agent, collector, skew, folder.path());
  agent.start(skew.environment());
  for (const char* set : {"+0", "+1d", "-1d", "+10y", "-10y", "+0"}) {
    skew.set(set);
    const auto before = collector.stored_events();
    REQUIRE(eventually(30s, [&] { return collector.stored_events() > before + 10; }));
  }
  printers.kill();
  REQUIRE(eventually(30s, [&] { return agent.unacknowledged() == 0; }));
  agent.stop();
  collector.stop();
  check_times(collector, begin);
  const auto kept = kept_in_outbox(agent.data());
  const auto wrong = differences(kept, stored_in_blocks(collector.database()));
  for (const auto& line : wrong) MESSAGE(line);
  CHECK(wrong.empty());
}
