// Replacing what is watched while the agent runs, also when a driver does not let go of its port.
#include "agent/watch.hpp"

#include <atomic>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "fake_device.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using Mode = Scene::Mode;

namespace {

Scene* on_stage = nullptr;

Checked<std::unique_ptr<drivers::Driver>> make_fake(const drivers::Settings&) {
  return std::unique_ptr<drivers::Driver>{std::make_unique<FakeDriver>(*on_stage)};
}

const drivers::Card& card() {
  static const drivers::Card fake{
      .name = "fake", .kind = "test", .title = {"假", "fake"}, .make = make_fake};
  return fake;
}

std::shared_ptr<const AgentConfig> watching(const std::vector<std::string>& names) {
  auto out = std::make_shared<AgentConfig>();
  out->poll_deadline = 50ms;
  for (const auto& name : names) {
    DeviceConfig device;
    device.name = name;
    device.driver = "fake";
    device.card = &card();
    device.port = "port-of-" + name.substr(0, 1);
    device.poll = 100ms;
    out->devices.push_back(std::move(device));
  }
  return out;
}

struct Rig {
  Rig() { on_stage = &scene; }
  ~Rig() {
    scene.set(Mode::answers);
    bool all = false;
    for (int i = 0; i < 1'000 && !all; ++i) all = stopped();
  }
  OpenPort opener() {
    return [this](const drivers::PortAddress&, MonoTime) {
      ++opened;
      return Result<std::unique_ptr<drivers::Port>>{std::make_unique<ScenePort>(scene, clock)};
    };
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    asio::io_context io{1};
    spawn(io, "run", keep(std::move(task), out));
    io.run();
    return std::move(*out);
  }
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& out) {
    out = co_await std::move(task);
  }
  std::set<std::string> replace(const std::vector<std::string>& names) {
    return run(watch.replace(helper, watching(names), 50ms));
  }
  bool stopped() { return run(watch.stop(helper, 50ms)); }
  /// Waits until `device` was recorded with `condition` ("" none).
  bool saw(const std::string& device, const std::string& condition) {
    for (std::size_t n = 1;; ++n) {
      const auto status = notes.state_number(n);
      if (!status) return false;
      const auto code = status->conditions.empty() ? "" : status->conditions[0].code;
      if (notes.device(n - 1) == device && code == condition) return true;
    }
  }

  SystemClock clock;
  std::atomic<int> opened = 0;
  Scene scene;
  Notebook notes;
  Board board;
  Worker helper{1, 0};
  Watch watch{opener(), notes, board, clock};
};

}  // namespace

TEST_CASE("another configuration is watched instead of the one before") {
  Rig rig;
  rig.watch.start(*watching({"a1"}));
  REQUIRE(rig.saw("a1", ""));
  CHECK(rig.replace({"b1"}).empty());
  REQUIRE(rig.saw("b1", ""));
  CHECK(rig.watch.refresh("b1"));
  CHECK_FALSE(rig.watch.refresh("a1"));
  CHECK(rig.stopped());
}

TEST_CASE("devices without a port are held up by none of each other") {
  Rig rig;
  AgentConfig config = *watching({"a1", "a2"});
  for (auto& device : config.devices) device.port = "-";
  rig.watch.start(config);
  REQUIRE(rig.saw("a1", ""));
  CHECK(rig.watch.progress().ports == 2);
  CHECK(rig.replace({"a1", "a2"}).empty());
  CHECK(rig.watch.progress().ports == 1);  // one port, one thread
  CHECK(rig.stopped());
}

TEST_CASE("a port whose driver is stuck is left to it, gets no second thread, and comes back") {
  Rig rig;
  rig.scene.deaf = true;
  rig.watch.start(*watching({"a1"}));
  REQUIRE(rig.saw("a1", ""));
  rig.scene.set(Mode::hangs);
  REQUIRE(rig.saw("a1", "driver-stuck"));
  const int opened = rig.opened;
  CHECK(rig.replace({"a2", "a1"}) == std::set<std::string>{"port-of-a"});
  CHECK(rig.saw("a2", "driver-stuck"));
  const auto refused = rig.watch.refresh("a2");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::refused);
  rig.watch.take_back();
  CHECK(rig.opened == opened);
  CHECK(rig.watch.progress().ports == 1);
  CHECK(rig.watch.progress().stuck == 1);

  // The driver answers at last: its thread ends and the port is polled again.
  rig.scene.set(Mode::answers);
  while (rig.watch.progress().stuck > 0) {
    rig.watch.take_back();
    std::this_thread::yield();
  }
  CHECK(rig.watch.progress().ports == 1);
  CHECK(rig.saw("a2", ""));
  CHECK(rig.watch.refresh("a2"));
  CHECK(rig.replace({"a3"}).empty());
  CHECK(rig.saw("a3", ""));
}

TEST_CASE("a stuck driver is told of when the agent stops") {
  Rig rig;
  rig.scene.deaf = true;
  rig.watch.start(*watching({"a1"}));
  REQUIRE(rig.saw("a1", ""));
  rig.scene.set(Mode::hangs);
  REQUIRE(rig.saw("a1", "driver-stuck"));
  CHECK_FALSE(rig.stopped());
}

TEST_CASE("an agent that stops while another configuration is taken begins nothing anew") {
  Rig rig;
  rig.watch.start(*watching({"a1"}));
  REQUIRE(rig.saw("a1", ""));
  std::optional<std::set<std::string>> replaced;
  std::optional<bool> stopped;
  asio::io_context io{1};
  spawn(io, "replace", Rig::keep(rig.watch.replace(rig.helper, watching({"b1"}), 5s), replaced));
  spawn(io, "stop", Rig::keep(rig.watch.stop(rig.helper, 5s), stopped));
  io.run();
  CHECK(replaced.has_value());
  CHECK(stopped == true);
  CHECK_FALSE(rig.watch.refresh("b1"));
  // Nor does one that comes after.
  rig.replace({"c1"});
  CHECK_FALSE(rig.watch.refresh("c1"));
}
