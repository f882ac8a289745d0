// Kiosks that were away: what the collector did itself, or has not been told yet, is no fault.
#include <future>

#include "collector/writer/session_jobs.hpp"
#include "common/wire/conditions.hpp"
#include "tests/collector/gateway_bed.hpp"

using namespace kw;
using namespace kw::collector;
using namespace kw::collector::tests;

namespace {

struct Drained {
  std::optional<std::size_t> sessions;
  Task<void> run(Gateway& gateway, Duration retry_after, Duration within) {
    sessions = co_await gateway.drain(retry_after, within);
  }
};

Result<void> run(Writer& writer, std::function<Result<void>(Work&)> what) {
  std::promise<Result<void>> done;
  Job job;
  job.work = std::move(what);
  job.after = [&](const Result<void>& told) { done.set_value(told); };
  writer.post(std::move(job));
  return done.get_future().get();
}

/// Twice: timers that are due fire after the group of the first.
void settle(Writer& writer) {
  for (int i = 0; i < 2; ++i) REQUIRE(run(writer, [](Work&) -> Result<void> { return {}; }));
}

constexpr auto silent_faults = "SELECT count(*) FROM fault WHERE code='terminal-silent'";

/// One terminal behind a writer whose clock tests move; holds take a minute.
struct Bed {
  Bed() {
    auto store = SqliteStore::open(folder / "c.db");
    REQUIRE(store);
    REQUIRE((*store)->transact([&] { terminal = (*store)->make_terminal("K1", clock.wall()); }));
    std::vector<config::Problem> problems;
    auto rules = config::parse("[defaults]\nhold_s = 60\nclear_s = 0\n", "test", problems);
    writer = std::make_unique<Writer>(std::move(*store), Rules::read(*rules, problems), clock);
  }
  std::shared_ptr<Session> open(std::uint64_t last) {
    auto session = std::make_shared<Session>();
    session->terminal = terminal;
    session->terminal_code = "K1";
    session->server_at_hello = clock.wall();
    session->hello.set_boot_id("boot");
    session->hello.set_mono_us(micros(clock.wall()) - micros(started));
    auto& held = *session->hello.add_epoch();
    held.set_epoch(7);
    held.set_boot_id("boot");
    held.set_last(last);
    std::promise<bool> done;
    writer->post(open_job(session, [&](Result<pb::Welcome> told) { done.set_value(bool{told}); }));
    REQUIRE(done.get_future().get());
    return session;
  }
  /// The first snapshot: the receipt printer, with these conditions since the moment `since`.
  void snapshot(const std::shared_ptr<Session>& session, std::uint64_t seq, WallTime since,
                std::initializer_list<std::string_view> codes) {
    wire::Status status;
    status.device = wire::DeviceState::online;
    for (const auto code : codes) {
      status.conditions.push_back(wire::condition(*wire::find_condition(code)));
    }
    auto told = std::make_shared<pb::Snapshot>();
    told->set_as_of_epoch(7);
    told->set_as_of_seq(seq);
    auto& ref = *told->add_configured();
    ref.set_device("receipt");
    ref.set_driver("escpos");
    auto& row = *told->add_status();
    row = wire::to_wire("receipt", status);
    const auto begun = [&](pb::Since& s) {
      s.set_epoch(7);
      s.set_seq(seq);
      s.set_mono_us(micros(since) - micros(started));
    };
    begun(*row.mutable_since());
    for (auto& condition : *row.mutable_condition()) begun(*condition.mutable_since());
    std::promise<bool> done;
    writer->post(
        snapshot_job(session, told, true, [&](const Result<void>& r) { done.set_value(bool{r}); }));
    REQUIRE(done.get_future().get());
  }
  std::int64_t count(const std::string& sql) {
    return (*db::Database::open(folder / "c.db", {.read_only = true}))->integer(sql).value_or(-1);
  }
  void change(const std::string& sql) {
    auto db = db::Database::open(folder / "c.db", {});
    REQUIRE(db);
    (*db)->run(sql);
    REQUIRE_FALSE((*db)->failure());
  }

  TempFolder folder;
  MovedClock clock;
  WallTime started = clock.wall();
  TerminalKey terminal = 0;
  std::unique_ptr<Writer> writer;
};

}  // namespace

TEST_CASE("a kiosk that was sent away counts as silent only when it is overdue") {
  GatewayBed bed;
  const auto kiosk = bed.enrolled("K1");
  auto link = bed.session(kiosk);
  Drained drained;
  spawn(bed.loop.io, "drain", drained.run(bed.gateway, 4min, 50ms));
  bed.loop.until([&] { return drained.sessions.has_value(); });
  settle(bed.writer);
  CHECK(bed.count("SELECT count(*) FROM timer") == 1);
  bed.clock.shift = 3min;
  settle(bed.writer);
  CHECK(bed.count(silent_faults) == 0);
  // A restart meanwhile does not forget what the kiosk was told.
  const auto due = bed.count("SELECT due_at FROM timer");
  CHECK(bed.count("SELECT until_at FROM silence_floor") == due);
  bed.clock.shift = 12min;
  settle(bed.writer);
  CHECK(bed.count(silent_faults) == 1);
}

TEST_CASE("whom a full collector turns away is not silent meanwhile") {
  Gateway::Limits limits;
  limits.door.sessions = 1;
  GatewayBed bed{limits};
  const auto one = bed.enrolled("K1");
  const auto two = bed.enrolled("K2");
  {
    auto left = bed.session(two);
    bed.loop.run(left->close(1000, "done"));
  }
  bed.loop.until([&] { return bed.gateway.figures().sessions == 0; });
  auto link = bed.session(one);
  CHECK(bed.knock_on_agent_port(two) == "busy");
  settle(bed.writer);
  bed.clock.shift = 3min;
  settle(bed.writer);
  CHECK(bed.count(silent_faults) == 0);
  bed.clock.shift = 12min;
  settle(bed.writer);
  CHECK(bed.count(silent_faults) == 1);
}

TEST_CASE("a restart waits for those who were sent away before it") {
  Bed bed;
  bed.open(0);
  const auto back = bed.clock.wall() + 1h;
  REQUIRE(run(*bed.writer, [&](Work& work) -> Result<void> {
    work.sent_away(back);
    return {};
  }));
  bed.writer->post(restart_job(bed.clock.wall(), 500));
  settle(*bed.writer);
  CHECK(bed.count("SELECT due_at FROM timer") == micros(back + 120s));
}

TEST_CASE("what healed while the kiosk was away is no fault: its first snapshot is waited for") {
  Bed bed;
  const auto first = bed.open(0);
  bed.snapshot(first, 1, bed.clock.wall(), {"media-empty"});
  bed.writer->post(close_job(first, bed.clock.wall()));
  settle(*bed.writer);
  CHECK(bed.count("SELECT count(*) FROM timer WHERE kind=0 AND by_wall=1") == 1);
  const auto healed = bed.started + 20s;
  bed.clock.shift = 90s;  // the hold is over, unheard
  const auto second = bed.open(0);
  settle(*bed.writer);
  CHECK(bed.count("SELECT count(*) FROM fault") == 0);
  SUBCASE("it healed in time") {
    bed.snapshot(second, 2, healed, {});
    settle(*bed.writer);
    CHECK(bed.count("SELECT count(*) FROM fault") == 0);
  }
  SUBCASE("it still stands") {
    bed.snapshot(second, 1, bed.started, {"media-empty"});
    settle(*bed.writer);
    CHECK(bed.count("SELECT count(*) FROM fault") == 1);
  }
}

TEST_CASE("a timer that cannot be fired is counted and tried again in a moment") {
  Bed bed;
  const auto session = bed.open(0);
  bed.change(
      "CREATE TRIGGER no_faults BEFORE INSERT ON fault BEGIN SELECT RAISE(ABORT, 'no'); END");
  bed.writer->post(close_job(session, bed.clock.wall()));
  settle(*bed.writer);
  const auto due = bed.count("SELECT due_at FROM timer");
  bed.clock.shift = 3min;
  settle(*bed.writer);
  CHECK(bed.writer->figures().failures == 1);
  CHECK(bed.count("SELECT due_at FROM timer") > due);
  bed.change("DROP TRIGGER no_faults");
  bed.clock.shift = 4min;
  settle(*bed.writer);
  CHECK(bed.count(silent_faults) == 1);
}

TEST_CASE("who drains while a drain is under way waits for that one, no longer than it asked") {
  GatewayBed bed;
  const auto kiosk = bed.enrolled("K1");
  auto link = bed.session(kiosk);
  Drained first;
  Drained second;
  spawn(bed.loop.io, "drain", first.run(bed.gateway, 1s, 1h));
  CHECK(bed.next(*link)->has_drain());
  spawn(bed.loop.io, "drain", second.run(bed.gateway, 1s, 300ms));
  bed.loop.settle(50ms);
  CHECK_FALSE(first.sessions);
  CHECK_FALSE(second.sessions);
  bed.loop.until([&] { return first.sessions && second.sessions; });
  CHECK(*first.sessions == 1);
  CHECK(*second.sessions == 1);
  CHECK(bed.gateway.figures().sessions == 0);
}
