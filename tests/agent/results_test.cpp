// What applications reported of a device outlives the poller that judged it, and the agent.
#include "agent/poll/results.hpp"

#include <doctest/doctest.h>

#include "agent/config.hpp"
#include "agent/poll/poller.hpp"
#include "fake_device.hpp"
#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using Mode = Scene::Mode;

namespace {

constexpr ResultLimits limits{.age = 15min, .failures = 2};

DeviceResult result(const Clock& clock, bool worked, std::string code = "E7") {
  return {worked, std::move(code), {}, clock.mono()};
}

/// What a run of the agent keeps in its outbox, and the next one begins with.
struct Run {
  Run(Box& box, std::uint64_t epoch, const std::string& boot = "boot")
      : outbox{box.open(epoch)}, results{box.clock, boot, outbox.notes(result_note)} {
    results.on_change([this, &box](const std::string& device, std::string kept) {
      Telling telling;
      telling.note = {std::string{result_note} + device, std::move(kept)};
      CHECK(outbox.tell(telling, box.now()).how == Told::How::written);
    });
  }
  Outbox& outbox;
  Results results;
};

Scene* on_stage = nullptr;
const drivers::Card fake{
    .name = "fake", .kind = "test", .make = [](const drivers::Settings&) {
      return Checked<std::unique_ptr<drivers::Driver>>{std::make_unique<FakeDriver>(*on_stage)};
    }};

/// One device, polled by one poller after the other.
struct Kiosk {
  Kiosk() {
    on_stage = &scene;
    config.poll_deadline = 5s;
    DeviceConfig device;
    device.name = "printer";
    device.port = "one";
    device.card = &fake;
    device.poll = 5ms;
    device.results = limits;
    config.devices.push_back(std::move(device));
  }
  ~Kiosk() {
    if (poller) CHECK(poller->stop(20s));
  }
  void start() {
    if (poller) REQUIRE(poller->stop(20s));
    const auto open = [this](const drivers::PortAddress&,
                             MonoTime) -> Result<std::unique_ptr<drivers::Port>> {
      if (scene.mode() == Mode::busy) return Error{Errc::busy, "held by somebody"};
      return std::unique_ptr<drivers::Port>{std::make_unique<ScenePort>(scene, clock)};
    };
    poller = std::make_unique<Poller>(config, open, notes, board, clock, 1, std::set<std::string>{},
                                      PollContext{.results = &results});
    poller->start();
  }
  void tell(bool worked) { REQUIRE(poller->report("printer", result(clock, worked), Lang::en)); }
  /// The next status that is recorded, and whether it ends what was told before.
  std::pair<wire::Status, bool> next() {
    const auto status = notes.state_number(++seen);
    REQUIRE(status);
    return {*status, notes.proven(seen - 1)};
  }
  static bool failing(const wire::Status& status) {
    return status.conditions.size() == 1 && status.conditions[0].code == "results-failing";
  }

  SystemClock clock;
  Scene scene;
  Notebook notes;
  Board board;
  AgentConfig config;
  Results results{clock, "boot", {}};
  std::unique_ptr<Poller> poller;
  std::size_t seen = 0;
};

}  // namespace

TEST_CASE("results survive a restart of the agent and of the kiosk, with their age") {
  Box box;
  {
    Run run{box, 7};
    CHECK_FALSE(run.results.begin("receipt", limits).last(box.clock.mono()));
    run.results.add("receipt", result(box.clock, false, "E1"));
    run.results.add("receipt", result(box.clock, false, "E2"));
    run.results.begin("card", limits);
    run.results.add("card", result(box.clock, true));
  }
  box.cut();  // the power goes: nothing is said any more
  box.clock.advance(1min);
  {
    Run run{box, 8};
    const auto now = box.clock.mono();
    const auto receipt = run.results.begin("receipt", limits);
    REQUIRE(receipt.beside_poll(now));
    CHECK(receipt.beside_poll(now)->vendor_code == "E2");
    CHECK(now - *receipt.last(now) >= 1min);
    CHECK(now - *receipt.last(now) < 2min);
    const auto card = run.results.begin("card", limits);
    CHECK_FALSE(card.beside_poll(now));
    CHECK(card.last(now));
    // Nothing was ever reported of this one, and nothing is known.
    const auto keypad = run.results.begin("keypad", limits);
    CHECK_FALSE(keypad.last(now));
    CHECK_FALSE(keypad.stands_for(Errc::busy, now, std::nullopt, now));
  }
  box.cut();
  box.clock.advance(5min);
  {
    // Another boot: its clock counts from another zero, so the wall clock says how old it is.
    Run run{box, 9, "another boot"};
    const auto now = box.clock.mono();
    const auto receipt = run.results.begin("receipt", limits);
    REQUIRE(receipt.last(now));
    CHECK(now - *receipt.last(now) >= 6min);
    CHECK(now - *receipt.last(now) < 7min);
    CHECK(receipt.beside_poll(now));
    CHECK_FALSE(receipt.beside_poll(now + 10min));
  }
  {
    Run run{box, 10};
    run.outbox.retain_devices({"card"});
  }
  Run run{box, 11};
  CHECK(run.outbox.notes(result_note).size() == 1);
  CHECK_FALSE(run.results.begin("receipt", limits).last(box.clock.mono()));
}

TEST_CASE("what was kept is judged by the device's own limits, not by any before they are known") {
  Box box;
  // The words of a row are those of the result that completed it, a restart or not.
  constexpr ResultLimits at_once{.age = 15min, .failures = 1};
  constexpr ResultLimits late{.age = 24h, .failures = 5};
  {
    Run run{box, 7};
    run.results.begin("receipt", at_once);
    run.results.add("receipt", result(box.clock, false, "E1"));
    run.results.add("receipt", result(box.clock, false, "E2"));
    run.results.begin("card", late);
    for (const auto* code : {"E1", "E2", "E3", "E4"}) {
      run.results.add("card", result(box.clock, false, code));
    }
  }
  box.cut();
  box.clock.advance(1h);
  Run run{box, 8};
  // A result of one that has not begun counts for nothing.
  run.results.add("card", result(box.clock, true));
  const auto now = box.clock.mono();
  const auto receipt = run.results.begin("receipt", {.age = 2h, .failures = 1});
  REQUIRE(receipt.beside_poll(now));
  CHECK(receipt.beside_poll(now)->vendor_code == "E1");
  CHECK_FALSE(run.results.begin("card", late).beside_poll(now));
  run.results.add("card", result(box.clock, false, "E5"));
  const auto card = run.results.begin("card", late);
  REQUIRE(card.beside_poll(now));
  CHECK(card.beside_poll(now)->vendor_code == "E5");
}

TEST_CASE("what was kept and cannot be read is as if nothing had been") {
  const ManualClock clock;
  for (const std::string text : {"", "{", "[]", "{}", R"({"worked":1,"mono_us":1,"wall_us":1})",
                                 R"({"worked":true,"mono_us":"x","wall_us":1})"}) {
    CAPTURE(text);
    Results results{clock, "boot", {{"receipt", text}}};
    CHECK_FALSE(results.begin("receipt", limits).kept());
  }
}

TEST_CASE("another configuration heals nothing: polled, and with the port held") {
  Kiosk kiosk;
  kiosk.start();
  CHECK(wire::health_of(kiosk.next().first) == wire::Health::ok);
  kiosk.tell(false);
  kiosk.tell(false);
  CHECK(Kiosk::failing(kiosk.next().first));
  kiosk.start();
  CHECK(Kiosk::failing(kiosk.next().first));  // the first word of the new one
  kiosk.scene.set(Mode::busy);
  kiosk.start();
  const auto held = kiosk.next().first;
  CHECK(Kiosk::failing(held));
  CHECK(held.evidence == wire::Evidence::driver_report);
  CHECK(wire::health_of(held) == wire::Health::fault);
  // One good result ends it, for the next one too.
  kiosk.tell(true);
  const auto [well, proven] = kiosk.next();
  CHECK(wire::health_of(well) == wire::Health::ok);
  CHECK(proven);
  kiosk.start();
  const auto [again, proven_again] = kiosk.next();
  CHECK(wire::health_of(again) == wire::Health::ok);
  // The new one did not see it happen: what was told in between is not over by it.
  CHECK_FALSE(proven_again);
}

TEST_CASE("a port that is held and of which nothing was ever told is unknown after a restart too") {
  Kiosk kiosk;
  kiosk.scene.set(Mode::busy);
  for (int i = 0; i < 2; ++i) {
    kiosk.start();
    const auto status = kiosk.next().first;
    CHECK(status.evidence == wire::Evidence::shared_busy);
    CHECK(wire::health_of(status) == wire::Health::unknown);
  }
}

TEST_CASE("a result that comes while one poller ends and the next is not there yet is not lost") {
  Kiosk kiosk;
  kiosk.scene.set(Mode::busy);
  kiosk.start();
  CHECK(wire::health_of(kiosk.next().first) == wire::Health::unknown);
  REQUIRE(kiosk.poller->stop(20s));
  kiosk.tell(false);
  kiosk.tell(false);
  kiosk.start();
  CHECK(Kiosk::failing(kiosk.next().first));
}
