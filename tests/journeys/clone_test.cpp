// A kiosk's disk cloned into a second machine: one identity, two agents, both alive.
#include <csignal>
#include <future>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include "collector/model/values.hpp"
#include "common/db/database.hpp"
#include "tests/collector/gateway_bed.hpp"
#include "tests/journeys/rig.hpp"

using namespace kw;
using namespace kw::tests;
using namespace std::chrono_literals;

namespace {

std::int64_t asked(const CollectorRig& collector, const std::string& sql) {
  auto db = db::Database::open(collector.database(), {.read_only = true});
  REQUIRE(db);
  return (*db)->integer(sql).value_or(-1);
}

/// A collector's agent port in this process, for its limits: silence that a test can wait for. The
/// program's own is three heartbeats, 90 s.
class Patience {
 public:
  Patience() : bed_({.silent_after = 4s, .probe_answer = 3s}, {}, at_once()) {
    const auto made = bed_.ask("token-new", {{"terminal", "K1"}});
    REQUIRE(made);
    token = std::string{made->at("token").as_string()};
    thread_ = std::thread{[this] { bed_.loop.io.run(); }};
  }
  ~Patience() {
    asio::post(bed_.loop.io, [this] { bed_.loop.io.stop(); });
    thread_.join();
    bed_.loop.io.restart();
  }

  std::string address() const { return "https://" + bed_.at.text(); }
  std::int64_t count(const std::string& sql) { return bed_.count(sql); }
  collector::GatewayFigures figures() {
    std::promise<collector::GatewayFigures> told;
    asio::post(bed_.loop.io, [&] { told.set_value(bed_.gateway.figures()); });
    return told.get_future().get();
  }
  /// Until everything that the gateway has asked of the writer is on disk, timers that it set too.
  void settle() {
    for (int i = 0; i < 2; ++i) {
      std::promise<void> done;
      collector::Job job;
      job.work = [](collector::Work&) -> Result<void> { return {}; };
      job.after = [&](const Result<void>&) { done.set_value(); };
      bed_.writer.post(std::move(job));
      done.get_future().wait();
    }
  }
  /// The second agent's faults: all that were, and those that still stand.
  std::int64_t faults() { return count("SELECT count(*) FROM fault WHERE code='two-agents'"); }
  std::int64_t standing() {
    return count("SELECT count(*) FROM fault WHERE code='two-agents' AND cleared_at IS NULL");
  }

  std::string token;

 private:
  static collector::Rules at_once() {
    std::vector<config::Problem> problems;
    auto document = config::parse("[defaults]\nhold_s = 0\nclear_s = 0\n", "test", problems);
    return collector::Rules::read(*document, problems);
  }

  collector::tests::GatewayBed bed_;
  asio::executor_work_guard<asio::io_context::executor_type> busy_{bed_.loop.io.get_executor()};
  std::thread thread_;
};

bool is_live(const AgentRig& agent, bool quarantined) {
  const auto told =
      run({program("kioskctl"), "--data", agent.data().string(), "status", "--json"}).text;
  const auto apart = std::string{"\"quarantined\":"} + (quarantined ? "true" : "false");
  return told.find("\"phase\":\"live\"") != told.npos && told.find(apart) != told.npos;
}

}  // namespace

TEST_CASE("two live agents of one identity: the newer is kept apart, both lose nothing") {
  const TempFolder folder;
  CollectorRig collector{folder / "collector"};
  collector.start();
  PrintersRig first_hall{folder / "first-hall", 1, 150, 120};
  PrintersRig second_hall{folder / "second-hall", 1, 150, 120};
  AgentRig first{folder / "first", first_hall.configuration()};
  first.enroll(collector, "K1");
  first.start();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > 5; }));
  first.stop();
  std::filesystem::copy(first.data(), folder / "second", std::filesystem::copy_options::recursive);
  AgentRig second{folder / "second", second_hall.configuration()};
  first.start();
  REQUIRE(eventually(30s, [&] { return first.status("/uplink/phase") == "live"; }));

  second.start();
  REQUIRE(eventually(30s, [&] {
    return asked(collector, "SELECT count(*) FROM work_order WHERE code='two-agents'") == 1;
  }));
  // Its events are kept all the same, and the first one's are judged as before.
  const auto before = collector.stored_events();
  REQUIRE(eventually(30s, [&] { return collector.stored_events() > before + 40; }));
  CHECK(asked(collector, "SELECT count(*) FROM fault WHERE code='two-agents'") == 1);

  first_hall.kill();
  second_hall.kill();
  for (auto* agent : {&first, &second}) {
    REQUIRE(eventually(30s, [&] { return agent->unacknowledged() == 0; }));
  }
  // The newer goes first: the older is never disturbed by it.
  second.stop();
  first.stop();
  collector.stop();
  const auto stored = stored_in_blocks(collector.database());
  for (const auto* agent : {&first, &second}) {
    const auto wrong = differences(kept_in_outbox(agent->data()), stored);
    for (const auto& line : wrong) MESSAGE(line);
    CHECK(wrong.empty());
  }
}

TEST_CASE("a second agent whose connection dies without a word: silence ends its part, in turn") {
  const TempFolder folder;
  Patience collector;
  const std::string often = "heartbeat_s = 1\n";
  AgentRig first{folder / "first", often};
  const auto enrolled =
      first.enroll_with({"--server", collector.address(), "--token", collector.token});
  REQUIRE_MESSAGE(enrolled.code == 0, enrolled.text);
  AgentRig second{folder / "second", often};
  AgentRig third{folder / "third", often};
  for (const auto* copy : {&second, &third}) {
    std::filesystem::copy(first.data(), copy->data(), std::filesystem::copy_options::recursive);
  }
  first.start();
  REQUIRE(eventually(20s, [&] { return is_live(first, false); }));
  second.start();
  REQUIRE(eventually(20s, [&] { return collector.standing() == 1; }));
  REQUIRE(eventually(20s, [&] { return is_live(second, true); }));

  // Its socket stays open and nothing comes: no FIN, no answer. Meanwhile it dials anew, which the
  // third one plays; that the old connection is then found dead settles nothing.
  second.signal(SIGSTOP);
  third.start();
  REQUIRE(eventually(20s, [&] { return is_live(third, true); }));
  CHECK(collector.figures().sessions == 3);
  REQUIRE(eventually(20s, [&] { return collector.figures().sessions == 2; }));
  collector.settle();
  CHECK(collector.standing() == 1);
  CHECK(collector.faults() == 1);
  // With the last of them gone the fault is over, and its order with it: nobody had taken it.
  third.stop();
  REQUIRE(eventually(20s, [&] { return collector.standing() == 0; }));
  const auto state = std::to_string(static_cast<int>(collector::OrderState::self_recovered));
  CHECK(collector.count("SELECT count(*) FROM work_order WHERE code='two-agents' AND state=" +
                        state) == 1);
  CHECK(is_live(first, false));

  // It wakes up, finds its connection closed and dials: a fault of its own again.
  second.signal(SIGCONT);
  REQUIRE(eventually(20s, [&] { return collector.standing() == 1; }));
  CHECK(collector.faults() == 2);
  REQUIRE(eventually(20s, [&] { return is_live(second, true); }));

  // Now the one that counts falls silent: whoever was kept apart beside it takes its place.
  first.signal(SIGSTOP);
  REQUIRE(eventually(20s, [&] { return is_live(second, false); }));
  REQUIRE(eventually(20s, [&] { return collector.standing() == 0; }));
  CHECK(collector.faults() == 2);
  CHECK(collector.figures().sessions == 1);
  first.kill();
  second.stop();
}
