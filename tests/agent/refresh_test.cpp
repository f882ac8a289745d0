// Polls and self-tests that somebody orders: refresh, kioskctl test.
#include <array>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "agent/config.hpp"
#include "agent/poll/poller.hpp"
#include "agent/poll/self_test.hpp"
#include "fake_device.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using Mode = Scene::Mode;
using Tested = Result<drivers::SelfTest>;

namespace {

/// An answer that a test waits for.
class Answer {
 public:
  DeviceWorker::TestDone taker() {
    return [this](Tested result) {
      const std::lock_guard lock{mutex_};
      ++given_;
      result_ = std::move(result);
      changed_.notify_all();
    };
  }
  std::optional<Tested> get() {
    std::unique_lock lock{mutex_};
    changed_.wait_for(lock, 20s, [&] { return result_.has_value(); });
    return result_;
  }
  int given() const {
    const std::lock_guard lock{mutex_};
    return given_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Tested> result_;
  int given_ = 0;
};

/// One worker whose device is due again in an hour: what happens was ordered.
struct Rig {
  explicit Rig(Duration deadline = 10s) {
    DeviceWorker::Timing timing;
    timing.deadline = deadline;
    timing.retry = 1h;
    std::vector<DeviceWorker::Device> devices;
    devices.push_back({"printer", std::make_unique<FakeDriver>(scene), 1h, 0ms, 0ms, true});
    worker = std::make_shared<DeviceWorker>(
        drivers::PortAddress{}, std::move(devices), timing,
        [this](const drivers::PortAddress&, MonoTime) {
          return Result<std::unique_ptr<drivers::Port>>{std::make_unique<ScenePort>(scene, clock)};
        },
        notes, board, clock);
  }
  ~Rig() {
    scene.set(Mode::answers);
    worker->stop();
    worker->ended_within(20s);
  }
  void order(Answer& answer, Duration limit = 20s) const {
    DeviceWorker::TestOrder wanted;
    wanted.what = "paper";
    wanted.limit = limit;
    wanted.done = answer.taker();
    worker->self_test(std::move(wanted));
  }

  /// The last look at the device, waiting for the first.
  Look look() const {
    for (;;) {
      const auto all = board.all();
      if (const auto it = all.find("printer"); it != all.end()) return it->second;
      std::this_thread::yield();
    }
  }

  SystemClock clock;
  Scene scene;
  Notebook notes;
  Board board;
  std::shared_ptr<DeviceWorker> worker;
};

struct PollerRig {
  explicit PollerRig(const std::string& text) : config(parse_config(text, "agent.toml")) {
    config.language = Lang::en;
    poller.emplace(
        config,
        [this](const drivers::PortAddress& address, MonoTime deadline) {
          return drivers::open_port(address, clock, deadline);
        },
        notes, board, clock, 1);
  }
  std::optional<Tested> test(std::string device, std::string what = {}) {
    std::optional<Tested> out;
    asio::io_context io{1};
    spawn(io, "test", keep(poller->self_test(std::move(device), std::move(what), 20s), out));
    io.run();
    return out;
  }
  static Task<void> keep(Task<Tested> task, std::optional<Tested>& out) {
    out = co_await std::move(task);
  }

  AgentConfig config;
  SystemClock clock;
  Notebook notes;
  Board board;
  std::optional<Poller> poller;
};

constexpr auto kiosk = R"([[device]]
name = "host"
driver = "host"
port = "-"
poll_ms = 3600000
[[device]]
name = "off"
driver = "escpos"
port = "tcp://127.0.0.1:1"
enabled = false
[[device]]
name = "bad"
driver = "escpos"
port = "tcp://127.0.0.1:1"
poll_ms = 1
)";

}  // namespace

TEST_CASE("a device that is wanted now is polled at once, whatever its interval") {
  Rig rig;
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.scene.set(Mode::gone);
  for (int i = 0; i < 3; ++i) {
    const auto before = rig.look().at;
    rig.worker->poll_now(0);
    while (rig.look().at == before) std::this_thread::yield();
  }
  const auto gone = rig.notes.state_number(2);
  REQUIRE(gone);
  CHECK(gone->device == wire::DeviceState::offline);
}

TEST_CASE("a self-test runs between polls, and the device is polled after it") {
  Rig rig;
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  const auto polled = rig.look().at;
  Answer answer;
  rig.order(answer);
  const auto got = answer.get();
  REQUIRE(got);
  REQUIRE(*got);
  CHECK((*got)->passed);
  CHECK((*got)->detail == "paper");
  while (rig.look().at == polled) std::this_thread::yield();
  CHECK(rig.notes.states() == 1);
}

TEST_CASE("a self-test that fails is no missed poll") {
  Rig rig;
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  for (int i = 0; i < 5; ++i) {
    rig.scene.set(Mode::silent);
    Answer answer;
    rig.order(answer);
    const auto got = answer.get();
    REQUIRE(got);
    CHECK(got->error().code() == Errc::timeout);
    // The poll that follows may find the device silent too: at most two misses before this.
    rig.scene.set(Mode::answers);
    const auto before = rig.look().at;
    rig.worker->poll_now(0);
    while (rig.look().at == before || rig.look().misses > 0) {
      rig.worker->poll_now(0);
      std::this_thread::yield();
    }
  }
  CHECK(rig.scene.tests == 5);
  CHECK(rig.notes.states() == 1);
}

TEST_CASE("of two self-tests on one port the second is told that one runs") {
  Rig rig;
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.scene.set(Mode::hangs);
  Answer first;
  Answer second;
  rig.order(first);
  rig.order(second);
  const auto got = second.get();
  REQUIRE(got);
  CHECK(got->error().code() == Errc::busy);
  CHECK(got->error().text().find("printer") != std::string::npos);
  rig.scene.set(Mode::answers);
  CHECK(first.get());
}

TEST_CASE("a self-test that hangs is answered as late, then cancelled; the next one is served") {
  Rig rig{5ms};
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.scene.set(Mode::hangs);
  Answer answer;
  rig.order(answer, 20ms);
  while (rig.scene.cancels == 0) {
    rig.worker->poll_now(0);  // on a busy machine the test is late before its turn: then this hangs
    rig.worker->watch();
    std::this_thread::yield();
  }
  const auto got = answer.get();
  REQUIRE(got);
  CHECK(got->error().code() == Errc::timeout);
  rig.scene.set(Mode::answers);
  for (;;) {
    Answer next;
    rig.order(next);
    const auto served = next.get();
    REQUIRE(served);
    if (*served) break;
    // While the other ends, or, on a busy machine, when its own turn comes too late.
    const auto why = served->error().code();
    CHECK((why == Errc::busy || why == Errc::timeout));
  }
  CHECK(answer.given() == 1);
}

TEST_CASE("a self-test of a stuck driver is refused, and one that gets stuck is answered") {
  Rig rig{2ms};
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.scene.deaf = true;
  rig.scene.set(Mode::hangs);
  Answer answer;
  rig.order(answer, 5ms);
  while (!rig.worker->stuck()) {
    rig.worker->poll_now(0);  // on a busy machine the test is late before its turn: then this hangs
    rig.worker->watch();
    std::this_thread::yield();
  }
  REQUIRE(answer.get());
  CHECK_FALSE(*answer.get());
  Answer refused;
  rig.order(refused);
  REQUIRE(refused.get());
  CHECK(refused.get()->error().code() == Errc::refused);
  CHECK(rig.notes.state_number(2)->conditions.at(0).code == "driver-stuck");
}

TEST_CASE("stopping answers the self-test that waits and the one that runs") {
  Rig rig;
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.scene.set(Mode::hangs);
  Answer running;
  rig.order(running);
  while (rig.scene.tests == 0) std::this_thread::yield();
  rig.worker->stop();
  REQUIRE(rig.worker->ended_within(20s));
  CHECK(running.get());
  Answer late;
  rig.order(late);
  REQUIRE(late.get());
  CHECK(late.get()->error().code() == Errc::disconnected);
  CHECK(running.given() == 1);
}

TEST_CASE("a card's only self-test needs no name, and a wrong name is told the known ones") {
  constexpr std::array<std::string_view, 2> two{"paper", "cutter"};
  drivers::Card card{};
  card.self_tests = std::span{two}.first(1);
  CHECK(*choose_self_test(card, "", "p", Lang::en) == "paper");
  CHECK(*choose_self_test(card, "paper", "p", Lang::en) == "paper");
  CHECK(choose_self_test(card, "poll", "p", Lang::en).error().code() == Errc::unsupported);
  card.self_tests = two;
  const auto unnamed = choose_self_test(card, "", "p", Lang::en);
  CHECK(unnamed.error().code() == Errc::invalid);
  CHECK(unnamed.error().text().find("paper, cutter") != std::string::npos);
  card.self_tests = {};
  CHECK(*choose_self_test(card, "", "p", Lang::en) == "poll");
  const auto wrong = choose_self_test(card, "laser", "p", Lang::zh_cn);
  CHECK(wrong.error().code() == Errc::unsupported);
  CHECK(wrong.error().text().find("poll") != std::string::npos);
}

TEST_CASE("a poll as a self-test fails on a fault and tells what was seen") {
  wire::Status status;
  status.device = wire::DeviceState::online;
  CHECK(as_self_test(status, 12ms).passed);
  CHECK(as_self_test(status, 12ms).detail == "health=ok state=online reply_ms=12");
  status.conditions.push_back(wire::condition(*wire::find_condition("media-low")));
  CHECK(as_self_test(status, 12ms).passed);
  status.conditions.push_back(wire::condition(*wire::find_condition("cover-open")));
  const auto open = as_self_test(status, 12ms);
  CHECK_FALSE(open.passed);
  CHECK(open.detail == "health=fault state=online reply_ms=12 conditions=media-low,cover-open");
}

TEST_CASE("the poller tests a device without self-tests by polling it") {
  PollerRig rig{kiosk};
  rig.poller->start();
  const auto got = rig.test("host");
  REQUIRE(got);
  REQUIRE(*got);
  CHECK((*got)->detail.starts_with("health="));
  CHECK((*got)->attempts.size() == 1);
  CHECK(rig.poller->refresh("host"));
  CHECK(rig.poller->refresh(std::nullopt));
  CHECK(rig.poller->stop(20s));
}

TEST_CASE("orders for a device that is not there or not polled say why") {
  PollerRig rig{kiosk};
  rig.poller->start();
  const auto nobody = rig.poller->refresh("nobody");
  CHECK(nobody.error().code() == Errc::missing);
  CHECK(nobody.error().text() == R"(no device "nobody"; configured: host, off, bad)");
  const auto off = rig.poller->refresh("off");
  CHECK(off.error().code() == Errc::refused);
  CHECK(off.error().text().find("disabled") != std::string::npos);
  const auto bad = rig.poller->refresh("bad");
  CHECK(bad.error().code() == Errc::refused);
  CHECK(bad.error().text().find("poll_ms") != std::string::npos);
  CHECK(rig.test("nobody")->error().code() == Errc::missing);
  CHECK(rig.test("bad")->error().code() == Errc::refused);
  CHECK(rig.test("host", "laser")->error().code() == Errc::unsupported);
  CHECK(rig.poller->stop(20s));
}

TEST_CASE("a poll as a self-test of a device that does not answer fails with why") {
  PollerRig rig{R"([[device]]
name = "printer"
driver = "escpos"
port = "tcp://127.0.0.1:1"
poll_ms = 3600000
)"};
  rig.poller->start();
  const auto got = rig.test("printer");
  REQUIRE(got);
  CHECK(got->error().code() == Errc::refused);
  CHECK(rig.poller->stop(20s));
}
