// A store that cannot be written for a while: nobody is judged by what could not be heard then, and
// everything goes on once it can.
#include <doctest/doctest.h>

#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "collector/writer/session_jobs.hpp"
#include "collector/writer/writer.hpp"
#include "tests/agent/failing_disk.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::collector;
using namespace std::chrono_literals;
using agent::FailingDisk;

namespace {

constexpr int for_good = 1'000'000;

/// A writer that is driven by hand, on a disk that fails when told to.
struct Bed {
  explicit Bed(Job first = {}) {
    FailingDisk::fail_with = SQLITE_FULL;
    auto store = SqliteStore::open(folder / "collector.db");
    REQUIRE(store);
    auto made = (*store)->transact([&] { terminal = (*store)->make_terminal("K1", clock.wall()); });
    REQUIRE(made);
    writer = std::make_unique<Writer>(std::move(*store), *Rules::load(folder / "none.toml"), clock,
                                      std::move(first), Writer::Drive::by_hand);
    auto opened = SqliteQueries::open(folder / "collector.db", clock);
    REQUIRE(opened);
    queries = std::move(*opened);
  }

  std::shared_ptr<Session> session() {
    auto out = std::make_shared<Session>();
    out->terminal = terminal;
    out->terminal_code = "K1";
    auto& held = *out->hello.add_epoch();
    held.set_epoch(7);
    held.set_boot_id("boot");
    out->hello.set_boot_id("boot");
    out->server_at_hello = clock.wall();
    return out;
  }
  /// Runs the job, alone in its group; whether it was kept.
  bool run(Job job) {
    bool kept = false;
    job.after = [&](const Result<void>& done) { kept = static_cast<bool>(done); };
    writer->post(std::move(job));
    writer->turn();
    return kept;
  }
  bool pulse() {
    clock.advance(1ms);  // what would be written as it stands is not written at all
    Job job;
    job.work = [](Work& work) -> Result<void> {
      work.store().touch(work.now());
      return {};
    };
    return run(std::move(job));
  }
  /// Time passes in small steps, the writer looks every 5 s as its own thread would.
  void pass(Duration time) {
    for (Duration gone{}; gone < time; gone += 5s) {
      clock.advance(5s);
      writer->turn();
    }
  }
  std::uint64_t open_faults() {
    return static_cast<std::uint64_t>(queries->figures()->open_faults);
  }

  FailingDisk disk;
  tests::TempFolder folder;
  ManualClock clock;
  TerminalKey terminal = 0;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<SqliteQueries> queries;
};

}  // namespace

TEST_CASE("silence that a full disk kept from being heard is none; real silence is told later") {
  Bed bed;
  const auto session = bed.session();
  REQUIRE(bed.run(open_job(session, [](const Result<pb::Welcome>&) {})));
  REQUIRE(bed.run(close_job(session, bed.clock.wall())));
  FailingDisk::failures = for_good;
  CHECK_FALSE(bed.pulse());
  CHECK(bed.writer->figures().failing);
  bed.pass(10min);  // far past the silence window of two minutes
  CHECK(bed.open_faults() == 0);
  FailingDisk::failures = 0;
  // Kiosks that were refused for ten minutes try every five.
  bed.pass(6min);
  CHECK(bed.open_faults() == 0);
  bed.pass(2min);
  CHECK(bed.open_faults() == 1);
}

TEST_CASE("who listens is told once when the disk takes writes again, and not while it fails") {
  Bed bed;
  int told = 0;
  bed.writer->on_writes_again([&] { ++told; });
  CHECK(bed.pulse());
  FailingDisk::failures = for_good;
  CHECK_FALSE(bed.pulse());
  bed.pass(1min);
  CHECK(told == 0);
  FailingDisk::failures = 0;
  bed.pass(1min);
  CHECK(told == 1);
  CHECK(bed.pulse());
}

TEST_CASE("while the disk does not take what must come first, nothing else is committed") {
  int ran = 0;
  bool failing = true;
  Job first;
  first.ahead = true;
  first.foremost = true;
  first.work = [&](Work& work) -> Result<void> {
    ++ran;
    FailingDisk::failures = failing ? for_good : 0;
    work.store().touch(work.now());
    return {};
  };
  Bed bed{std::move(first)};
  CHECK_FALSE(bed.pulse());
  CHECK_FALSE(bed.pulse());
  CHECK(ran >= 2);
  failing = false;
  const int before = ran;
  CHECK(bed.pulse());
  CHECK(ran == before + 1);
  CHECK(bed.pulse());
  CHECK(ran == before + 1);
}
