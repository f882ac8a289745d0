#include "collector/writer/writer.hpp"

#include <condition_variable>
#include <fstream>
#include <mutex>

#include <doctest/doctest.h>

#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "collector/writer/session_jobs.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/conditions.hpp"
#include "tests/agent/failing_disk.hpp"
#include "tests/support/temp_folder.hpp"

using namespace kw;
using namespace kw::collector;

namespace {

Rules at_once() {
  std::vector<config::Problem> problems;
  auto document = config::parse("[defaults]\nhold_s = 0\nclear_s = 0\n", "test", problems);
  return Rules::read(*document, problems);
}

/// Waits for a job's end without a clock.
class Ended {
 public:
  void tell() {
    const std::lock_guard lock{mutex_};
    told_ = true;
    wake_.notify_all();
  }
  void await() {
    std::unique_lock lock{mutex_};
    wake_.wait(lock, [&] { return told_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool told_ = false;
};

pb::Hello hello(std::uint64_t epoch, std::uint64_t last = 0) {
  pb::Hello out;
  out.set_min_version(1);
  out.set_max_version(1);
  out.set_boot_id("boot");
  out.set_mono_us(1'000'000);
  auto& held = *out.add_epoch();
  held.set_epoch(epoch);
  held.set_boot_id("boot");
  held.set_last(last);
  return out;
}

pb::Event state(std::string_view device, std::initializer_list<std::string_view> codes) {
  wire::Status status;
  status.device = wire::DeviceState::online;
  for (const auto code : codes) {
    status.conditions.push_back(wire::condition(*wire::find_condition(code)));
  }
  pb::Event out;
  *out.mutable_state() = wire::to_wire(device, status);
  return out;
}

pb::Batch batch(std::uint64_t epoch, std::uint64_t first, const std::vector<pb::Event>& events) {
  pb::Batch out;
  out.set_epoch(epoch);
  out.set_first(first);
  out.set_last(first + events.size() - 1);
  out.set_base_mono_us(900'000);
  for (const auto& e : events) *out.add_item()->mutable_event() = e;
  return out;
}

/// A collector's inner half on a real file, with one terminal.
struct Bed {
  Bed() {
    auto store = SqliteStore::open(folder / "collector.db");
    REQUIRE(store);
    auto made = (*store)->transact([&] { terminal = (*store)->make_terminal("K1", clock.wall()); });
    REQUIRE(made);
    writer = std::make_unique<Writer>(std::move(*store), at_once(), clock);
    auto opened = SqliteQueries::open(folder / "collector.db", clock);
    REQUIRE(opened);
    queries = std::move(*opened);
  }

  std::shared_ptr<Session> open(const pb::Hello& h, pb::Welcome* welcome = nullptr) {
    auto session = std::make_shared<Session>();
    session->terminal = terminal;
    session->terminal_code = "K1";
    session->hello = h;
    session->server_at_hello = clock.wall();
    Ended ended;
    writer->post(open_job(session, [&](Result<pb::Welcome> told) {
      REQUIRE(told);
      if (welcome != nullptr) *welcome = *told;
      ended.tell();
    }));
    ended.await();
    return session;
  }

  Result<BatchAnswer> send(const std::shared_ptr<Session>& session, const pb::Batch& b) {
    Ended ended;
    std::optional<Result<BatchAnswer>> answer;
    writer->post(batch_job(session, std::make_shared<pb::Batch>(b), b.ByteSizeLong(),
                           [&](Result<BatchAnswer> told) {
                             answer = std::move(told);
                             ended.tell();
                           }));
    ended.await();
    if (!*answer) MESSAGE(answer->error().text());
    return *answer;
  }

  Result<void> run(std::function<Result<void>(Work&)> what) {
    Ended ended;
    Result<void> answer;
    Job job;
    job.work = std::move(what);
    job.after = [&](const Result<void>& told) {
      answer = told;
      ended.tell();
    };
    writer->post(std::move(job));
    ended.await();
    return answer;
  }

  std::vector<std::pair<std::uint64_t, std::uint64_t>> stored() {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> out;
    auto read =
        queries->events("K1", [&](const EventRow& row) { out.emplace_back(row.epoch, row.seq); });
    REQUIRE(read);
    return out;
  }

  tests::TempFolder folder;
  SystemClock clock;
  TerminalKey terminal = 0;
  std::unique_ptr<Writer> writer;
  std::unique_ptr<SqliteQueries> queries;
};

}  // namespace

TEST_CASE("a batch is stored, judged and answered in one commit") {
  Bed bed;
  const auto session = bed.open(hello(7));
  const auto answer = bed.send(session, batch(7, 1, {state("receipt", {"media-empty"})}));
  REQUIRE(answer);
  CHECK(answer->admission == Admission::next);
  CHECK(answer->mark == 1);
  CHECK(bed.stored().size() == 1);
  const auto faults = bed.queries->faults({}, {.open = true});
  REQUIRE(faults);
  REQUIRE(faults->items.size() == 1);
  const auto orders = bed.queries->orders({}, {});
  REQUIRE(orders);
  REQUIRE(orders->items.size() == 1);
  CHECK(orders->items[0].order.state == OrderState::dispatched);
  CHECK(faults->items[0].order_number == orders->items[0].order.number);
}

TEST_CASE("the same batch twice is stored once and acknowledged twice") {
  Bed bed;
  const auto session = bed.open(hello(7));
  const auto b = batch(7, 1, {state("receipt", {}), state("receipt", {"media-empty"})});
  REQUIRE(bed.send(session, b));
  const auto again = bed.send(session, b);
  REQUIRE(again);
  CHECK(again->admission == Admission::known);
  CHECK(again->mark == 2);
  CHECK(bed.stored().size() == 2);
  CHECK(bed.queries->orders({}, {})->items.size() == 1);
}

TEST_CASE("a batch with a hole before it is not stored and says from where to send again") {
  Bed bed;
  const auto session = bed.open(hello(7));
  const auto answer = bed.send(session, batch(7, 3, {state("receipt", {})}));
  REQUIRE(answer);
  CHECK(answer->admission == Admission::resend);
  CHECK(answer->mark == 0);
  CHECK(bed.stored().empty());
}

TEST_CASE("Welcome tells the marks that the store has, whatever the agent remembers") {
  Bed bed;
  const auto session = bed.open(hello(7));
  REQUIRE(bed.send(session, batch(7, 1, {state("receipt", {}), state("receipt", {})})));
  pb::Hello both = hello(7, 2);
  both.add_epoch()->set_epoch(8);
  pb::Welcome welcome;
  bed.open(both, &welcome);
  REQUIRE(welcome.high_water_size() == 2);
  CHECK(welcome.high_water(0).seq() == 2);
  CHECK(welcome.high_water(1).seq() == 0);
}

TEST_CASE("a bad job fails alone: its neighbours of the same group are kept") {
  Bed bed;
  const auto session = bed.open(hello(7));
  Ended ended;
  int left = 3;
  std::mutex mutex;
  const auto count = [&] {
    const std::lock_guard lock{mutex};
    if (--left == 0) ended.tell();
  };
  Ended gate_reached;
  Ended gate;
  Job blocker;  // holds the writer until the group behind it is complete
  blocker.work = [&](Work&) -> Result<void> {
    gate_reached.tell();
    gate.await();
    return {};
  };
  bed.writer->post(std::move(blocker));
  gate_reached.await();
  Result<BatchAnswer> first = Error{Errc::timeout, ""};
  Result<BatchAnswer> last = Error{Errc::timeout, ""};
  auto one = std::make_shared<pb::Batch>(batch(7, 1, {state("receipt", {"media-empty"})}));
  auto two = std::make_shared<pb::Batch>(batch(7, 2, {state("receipt", {})}));
  bed.writer->post(batch_job(session, one, 1, [&](Result<BatchAnswer> a) {
    first = std::move(a);
    count();
  }));
  Job bad;
  bad.terminal = bed.terminal;
  int tries = 0;
  Result<void> told;
  bad.work = [&](Work& work) -> Result<void> {
    ++tries;
    work.store().make_terminal("K1", {});  // breaks a constraint
    return {};
  };
  bad.after = [&](const Result<void>& answer) {
    told = answer;
    count();
  };
  bed.writer->post(std::move(bad));
  bed.writer->post(batch_job(session, two, 1, [&](Result<BatchAnswer> a) {
    last = std::move(a);
    count();
  }));
  gate.tell();
  ended.await();
  CHECK(first);
  CHECK(last);
  CHECK(tries == 2);
  CHECK_FALSE(told);
  CHECK(bed.stored().size() == 2);
}

TEST_CASE("a batch that fails twice is kept aside, acknowledged and alarmed") {
  Bed bed;
  const auto session = bed.open(hello(7));
  REQUIRE(bed.send(session, batch(7, 1, {state("receipt", {})})));
  // The row that the block would take is there already: a damaged store's doing.
  REQUIRE(bed.run([&](Work& work) -> Result<void> {
    work.store().keep({.terminal = bed.terminal, .epoch = 7, .first = 2, .last = 2});
    return {};
  }));
  const auto answer = bed.send(session, batch(7, 2, {state("receipt", {"media-empty"})}));
  REQUIRE(answer);
  CHECK(answer->mark == 2);
  CHECK(bed.writer->figures().quarantined == 1);
  const auto next = bed.send(session, batch(7, 3, {state("receipt", {})}));
  REQUIRE(next);
  CHECK(next->admission == Admission::next);
}

TEST_CASE(
    "a disk that fails puts no batch aside: it is not acknowledged, and judged when it is well") {
  const agent::FailingDisk disk;
  agent::FailingDisk::fail_with = SQLITE_IOERR_WRITE;
  Bed bed;
  const auto session = bed.open(hello(7));
  const auto b = batch(7, 1, {state("receipt", {"media-empty"})});
  agent::FailingDisk::failures = 1'000'000;
  CHECK_FALSE(bed.send(session, b));
  agent::FailingDisk::failures = 0;
  CHECK(bed.writer->figures().quarantined == 0);
  const auto answer = bed.send(session, b);
  REQUIRE(answer);
  CHECK(answer->admission == Admission::next);
  CHECK(bed.queries->orders({}, {})->items.size() == 1);
}

TEST_CASE("a quarantined session's events are kept but judge nothing") {
  Bed bed;
  auto session = bed.open(hello(7));
  auto clone = std::make_shared<Session>();
  clone->terminal = bed.terminal;
  clone->terminal_code = "K1";
  clone->hello = hello(8);
  clone->quarantined = true;
  Ended ended;
  bed.writer->post(open_job(clone, [&](Result<pb::Welcome>) { ended.tell(); }));
  ended.await();
  REQUIRE(bed.send(clone, batch(8, 1, {state("receipt", {"media-empty"})})));
  CHECK(bed.stored().size() == 1);
  // Not its paper, but that it is there.
  const auto orders = bed.queries->orders({}, {});
  REQUIRE(orders->items.size() == 1);
  CHECK(orders->items[0].order.code == "two-agents");
  // The first agent's epoch was not forgotten.
  CHECK(bed.send(session, batch(7, 1, {state("receipt", {"media-empty"})}))->mark == 1);
  CHECK(bed.queries->orders({}, {})->items.size() == 2);
}

TEST_CASE("a snapshot moves the state; the events behind it are history when they come") {
  Bed bed;
  const auto session = bed.open(hello(7, 40));
  auto snapshot = std::make_shared<pb::Snapshot>();
  snapshot->set_as_of_epoch(7);
  snapshot->set_as_of_seq(40);
  auto& ref = *snapshot->add_configured();
  ref.set_device("receipt");
  ref.set_driver("escpos");
  *snapshot->add_status() = state("receipt", {"media-empty"}).state();
  auto& since = *snapshot->mutable_status(0)->mutable_condition(0)->mutable_since();
  since.set_epoch(7);
  since.set_seq(2);
  since.set_mono_us(900'000);
  Ended ended;
  bed.writer->post(snapshot_job(session, snapshot, true, [&](const Result<void>& done) {
    CHECK(done);
    ended.tell();
  }));
  ended.await();
  CHECK(bed.queries->orders({}, {})->items.size() == 1);
  REQUIRE(bed.send(
      session, batch(7, 1, {state("receipt", {"cover-open"}), state("receipt", {"media-empty"})})));
  const auto orders = bed.queries->orders({}, {});
  REQUIRE(orders);
  CHECK(orders->items.size() == 1);
  const auto faults = bed.queries->faults({}, {});
  REQUIRE(faults);
  CHECK(faults->items.size() == 2);
  for (const auto& row : faults->items) {
    CHECK(row.fault.learned_late == (row.fault.code == "cover-open"));
  }

  // Neither does a device come back that the configuration does not have any more.
  REQUIRE(bed.send(session, batch(7, 3, {state("gone", {"cover-open"})})));
  CHECK(bed.queries->orders({}, {})->items.size() == 1);
}

TEST_CASE(
    "an epoch that was forgotten and is listed again keeps its mark: nothing is stored twice") {
  Bed bed;
  const auto first = bed.open(hello(7));
  REQUIRE(bed.send(first, batch(7, 1, {state("receipt", {}), state("receipt", {})})));
  bed.open(hello(8));  // an older copy of the outbox: 7 is not in it
  pb::Welcome welcome;
  bed.open(hello(7, 2), &welcome);  // and the newer one put back
  REQUIRE(welcome.high_water_size() == 1);
  CHECK(welcome.high_water(0).seq() == 2);
}

TEST_CASE("a configuration that cannot be read retires nothing") {
  Bed bed;
  const auto session = bed.open(hello(7));
  REQUIRE(bed.send(session, batch(7, 1, {state("receipt", {"media-empty"})})));
  auto snapshot = std::make_shared<pb::Snapshot>();
  snapshot->set_as_of_epoch(7);
  snapshot->set_as_of_seq(1);
  snapshot->set_configuration_unknown(true);
  Ended ended;
  bed.writer->post(
      snapshot_job(session, snapshot, true, [&](const Result<void>&) { ended.tell(); }));
  ended.await();
  CHECK(bed.queries->faults({}, {.open = true})->items.size() == 1);
}

TEST_CASE(
    "after a restart terminals get the time that their return takes before they count as silent") {
  tests::TempFolder folder;
  const SystemClock clock;
  auto store = SqliteStore::open(folder / "c.db");
  REQUIRE(store);
  TerminalKey terminal = 0;
  REQUIRE((*store)->transact([&] {
    terminal = (*store)->make_terminal("K1", clock.wall());
    (*store)->set_session(terminal, true, clock.wall() - std::chrono::hours{5}, "1");
  }));
  Writer writer{std::move(*store), at_once(), clock};
  const auto started = clock.wall();
  writer.post(restart_job(started, 0.1));
  Ended ended;
  std::vector<Timer> timers;
  Job look;
  look.work = [&](Work& work) -> Result<void> {
    timers = work.view(terminal).timers;
    return {};
  };
  look.after = [&](const Result<void>&) { ended.tell(); };
  writer.post(std::move(look));
  ended.await();
  REQUIRE(timers.size() == 1);
  CHECK(timers[0].kind == TimerKind::silence);
  // The silence window, the agents' longest pause, and one terminal at 0.1 a second.
  CHECK(timers[0].due == started + std::chrono::seconds{120 + 300 + 10});
}

TEST_CASE("a store made by a newer program is refused with the numbers") {
  tests::TempFolder folder;
  {
    auto store = SqliteStore::open(folder / "c.db");
    REQUIRE(store);
  }
  {
    auto db = db::Database::open(folder / "c.db", {});
    REQUIRE(db);
    (*db)->run("INSERT INTO schema_migration (number, name, checksum) VALUES (99, 'x', 'x')");
    REQUIRE_FALSE((*db)->failure());
  }
  auto again = SqliteStore::open(folder / "c.db");
  REQUIRE_FALSE(again);
  CHECK(again.error().text().find("99") != std::string::npos);
}

TEST_CASE("a writer that is driven by hand does what waits when it is told to") {
  tests::TempFolder folder;
  SystemClock clock;
  auto store = SqliteStore::open(folder / "collector.db");
  REQUIRE(store);
  Writer writer{std::move(*store), at_once(), clock, {}, Writer::Drive::by_hand};
  int done = 0;
  const auto post = [&] {
    Job job;
    job.work = [](Work&) { return Result<void>{}; };
    job.after = [&](const Result<void>& told) { done += told ? 1 : 0; };
    writer.post(std::move(job));
  };
  CHECK_FALSE(writer.turn());
  post();
  CHECK(done == 0);
  CHECK(writer.turn());
  CHECK(done == 1);
  CHECK_FALSE(writer.turn());
  CHECK_FALSE(writer.next_timer());
  post();
  writer.stop();
  CHECK(done == 2);
}

TEST_CASE("a bit that fell over in a stored block is found, and where") {
  Bed bed;
  const auto session = bed.open(hello(7));
  REQUIRE(bed.send(session, batch(7, 1, {state("receipt", {"media-empty"})})));
  {
    auto db = db::Database::open(bed.folder / "collector.db", {});
    REQUIRE(db);
    const auto body = (*db)->text("SELECT body FROM event_block").value();
    auto flipped = body;
    flipped[body.find("receipt")] = 's';
    (*db)->run("UPDATE event_block SET body=$1", db::blob(flipped));
    REQUIRE_FALSE((*db)->failure());
  }
  const auto read = bed.queries->events("K1", [](const EventRow&) {});
  REQUIRE_FALSE(read);
  CHECK(read.error().text().find("7/1") != std::string::npos);
}

TEST_CASE("a damaged store is refused with what to do about it") {
  tests::TempFolder folder;
  std::ofstream{folder / "c.db"} << std::string(100'000, 'g');
  const auto store = SqliteStore::open(folder / "c.db");
  REQUIRE_FALSE(store);
  CHECK(store.error().text().find("backup") != std::string::npos);
}
