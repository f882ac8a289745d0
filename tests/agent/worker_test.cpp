#include <atomic>
#include <future>

#include <doctest/doctest.h>

#include "agent/poll/device_worker.hpp"
#include "fake_device.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using Mode = Scene::Mode;

namespace {

struct Rig {
  explicit Rig(Duration deadline = 10s, bool held = true) : hold_port(held) {
    timing.deadline = deadline;
    timing.sample = 20ms;
    timing.retry = 1ms;
    make();
  }
  void make() {
    std::vector<DeviceWorker::Device> devices;
    for (const auto& name : names) {
      devices.push_back({name, std::make_unique<FakeDriver>(scene), 2ms, 0ms, 0ms, hold_port});
    }
    worker = std::make_shared<DeviceWorker>(
        address, std::move(devices), timing,
        [this](const drivers::PortAddress& at, MonoTime) {
          if (at.only_look) ++looks;
          return open();
        },
        notes, board, clock);
  }
  ~Rig() {
    scene.set(Mode::answers);
    worker->stop();
    worker->ended_within(20s);
  }
  Result<std::unique_ptr<drivers::Port>> open() {
    ++scene.opened;
    if (while_opening) while_opening();
    if (scene.mode() == Mode::missing) return Error{Errc::missing, "no such port"};
    if (scene.mode() == Mode::busy) return Error{Errc::busy, "held by somebody"};
    return std::unique_ptr<drivers::Port>{std::make_unique<ScenePort>(scene, clock)};
  }

  drivers::PortAddress address;
  std::atomic<int> looks = 0;
  bool hold_port;
  std::vector<std::string> names{"printer"};
  std::function<void()> while_opening;
  DeviceWorker::Timing timing;
  SystemClock clock;
  Scene scene;
  Notebook notes;
  Board board;
  std::shared_ptr<DeviceWorker> worker;
};

}  // namespace

TEST_CASE("a device that answers is reported once and sampled again and again") {
  Rig rig;
  rig.worker->start();
  const auto seen = rig.notes.state_number(1);
  REQUIRE(seen);
  CHECK(seen->device == wire::DeviceState::online);
  CHECK(rig.notes.samples_reach(3));
  CHECK(rig.notes.states() == 1);
  CHECK(rig.board.all().at("printer").misses == 0);
}

TEST_CASE("a port that is not held is given back after every poll, and nothing is reported of it") {
  Rig rig{10s, false};
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  CHECK(rig.notes.samples_reach(3));
  rig.worker->stop();
  REQUIRE(rig.worker->ended_within(20s));
  CHECK(rig.scene.opened > 3);
  CHECK(rig.notes.states() == 1);
}

TEST_CASE("a device that falls silent is reported as offline, and as online when it is back") {
  Rig rig;
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.scene.set(Mode::silent);
  const auto lost = rig.notes.state_number(2);
  REQUIRE(lost);
  CHECK(lost->device == wire::DeviceState::offline);
  rig.scene.set(Mode::answers);
  const auto back = rig.notes.state_number(3);
  REQUIRE(back);
  CHECK(back->device == wire::DeviceState::online);
}

TEST_CASE("what stands on the port decides what is reported") {
  struct Row {
    Mode mode;
    wire::DeviceState state;
    wire::Health health;
  };
  for (const auto& row :
       {Row{Mode::missing, wire::DeviceState::no_device, wire::Health::fault},
        Row{Mode::busy, wire::DeviceState::unknown, wire::Health::unknown},
        Row{Mode::other_device, wire::DeviceState::no_device, wire::Health::fault},
        Row{Mode::gone, wire::DeviceState::offline, wire::Health::fault}}) {
    Rig rig;
    rig.scene.set(row.mode);
    rig.worker->start();
    const auto seen = rig.notes.state_number(1);
    REQUIRE(seen);
    CHECK(seen->device == row.state);
    CHECK(wire::health_of(*seen) == row.health);
  }
}

TEST_CASE("a call that overruns is cancelled, and the device is asked again") {
  Rig rig{5ms};
  rig.scene.set(Mode::hangs);
  rig.worker->start();
  while (rig.notes.states() == 0) {
    rig.worker->watch();
    std::this_thread::yield();
  }
  CHECK(rig.notes.state_number(1)->conditions.at(0).code == "no-reply");
  CHECK(rig.scene.cancels > 0);
  rig.scene.set(Mode::answers);
  CHECK(rig.notes.state_number(2)->device == wire::DeviceState::online);
}

TEST_CASE("a driver that cannot be cancelled is reported as stuck and costs its own thread only") {
  Rig rig{2ms};
  rig.scene.deaf = true;
  rig.scene.set(Mode::hangs);
  rig.worker->start();
  while (rig.notes.states() == 0) {
    rig.worker->watch();
    std::this_thread::yield();
  }
  CHECK(rig.notes.state_number(1)->conditions.at(0).code == "driver-stuck");
  CHECK(rig.notes.noted("stuck printer "));
  // Once for the call that is stuck, however often it is looked at, and no second thread for it.
  for (int i = 0; i < 100; ++i) rig.worker->watch();
  CHECK(rig.notes.states() == 1);
  CHECK(rig.notes.notes() == 1);
  CHECK(rig.scene.opened == 1);
  rig.worker->stop();
  CHECK_FALSE(rig.worker->ended_within(1ms));
}

TEST_CASE("a device that was absent for long is asked seldom, and at once when a port appears") {
  Rig rig;
  rig.timing.absent_after = 0ms;
  rig.timing.absent_every = 1h;
  rig.make();
  rig.scene.set(Mode::missing);
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.scene.set(Mode::answers);
  rig.worker->poll_absent();
  const auto back = rig.notes.state_number(2);
  REQUIRE(back);
  CHECK(back->device == wire::DeviceState::online);
}

TEST_CASE("a device that was pulled out is believed to be gone at once, a silent one is not") {
  Rig rig{10s, false};
  rig.timing.retry = 1h;
  rig.make();
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.scene.set(Mode::missing);
  rig.worker->poll_left();
  const auto gone = rig.notes.state_number(2);
  REQUIRE(gone);
  CHECK(gone->device == wire::DeviceState::no_device);
  CHECK(gone->conditions.at(0).code == "not-present");
  rig.scene.set(Mode::answers);
  rig.worker->poll_absent();
  REQUIRE(rig.notes.state_number(3));
  // Something else was pulled out while this one hesitates: the retry is waited for.
  rig.scene.set(Mode::silent);
  const auto before = rig.worker->last_look();
  rig.worker->poll_left();
  while (rig.worker->last_look() == before) std::this_thread::yield();
  rig.worker->stop();
  REQUIRE(rig.worker->ended_within(5s));
  CHECK(rig.notes.states() == 3);
}

TEST_CASE("a driver that comes back from being stuck is reported as it is then") {
  Rig rig{2ms};
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.scene.deaf = true;
  rig.scene.set(Mode::hangs);
  while (rig.notes.states() < 2) {
    rig.worker->watch();
    std::this_thread::yield();
  }
  rig.scene.set(Mode::answers);
  const auto back = rig.notes.state_number(3);
  REQUIRE(back);
  CHECK(back->device == wire::DeviceState::online);
}

TEST_CASE(
    "every device of a stuck port is reported as stuck, and as it is when the driver is back") {
  Rig rig{2ms};
  rig.names = {"printer", "scanner"};
  rig.make();
  rig.worker->start();
  REQUIRE(rig.notes.state_number(2));
  rig.scene.deaf = true;
  rig.scene.set(Mode::hangs);
  while (rig.notes.states() < 4) {
    rig.worker->watch();
    std::this_thread::yield();
  }
  CHECK(rig.notes.device(2) != rig.notes.device(3));
  CHECK(rig.notes.state_number(3)->conditions.at(0).code == "driver-stuck");
  CHECK(rig.notes.state_number(4)->conditions.at(0).code == "driver-stuck");
  rig.scene.set(Mode::answers);
  REQUIRE(rig.notes.state_number(6));
  CHECK(rig.notes.device(4) != rig.notes.device(5));
  CHECK(rig.notes.state_number(5)->device == wire::DeviceState::online);
  CHECK(rig.notes.state_number(6)->device == wire::DeviceState::online);
}

TEST_CASE("a worker that is told to end while its port opens asks the driver nothing more") {
  Rig rig;
  rig.while_opening = [&] { rig.worker->stop(); };
  rig.worker->start();
  REQUIRE(rig.worker->ended_within(20s));
  CHECK(rig.scene.opened == 1);
  CHECK(rig.scene.asked == 0);
  CHECK(rig.notes.states() == 0);
}

TEST_CASE("a port that is another program's is only looked at, anew each time, tests apart") {
  Rig rig;  // which would hold it
  rig.address.only_look = true;
  rig.make();
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  CHECK(rig.notes.samples_reach(3));
  std::promise<bool> passed;
  rig.worker->self_test({.what = "query", .limit = 10s, .done = [&](const auto& result) {
                           passed.set_value(bool(result));
                         }});
  CHECK(passed.get_future().get());
  CHECK(rig.notes.samples_reach(6));
  // It is gone: the next look shows that.
  rig.scene.set(Mode::missing);
  const auto gone = rig.notes.state_number(2);
  REQUIRE(gone);
  CHECK(gone->conditions.at(0).code == "not-present");
  rig.worker->stop();
  REQUIRE(rig.worker->ended_within(20s));
  CHECK(rig.scene.tests == 1);
  CHECK(rig.looks > 6);
  CHECK(rig.scene.opened == rig.looks + 1);  // the test's own
}
