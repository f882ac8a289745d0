// Devices whose trouble comes and goes.
#include "agent/debounce/flapping.hpp"

#include <algorithm>

#include <doctest/doctest.h>

#include "agent/debounce/worst.hpp"
#include "agent/poll/device_worker.hpp"
#include "common/wire/conditions.hpp"
#include "fake_device.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;

namespace {

MonoTime at(Duration since) { return MonoTime{since}; }

wire::Status with(std::initializer_list<std::string_view> codes) {
  wire::Status out;
  out.device = wire::DeviceState::online;
  out.evidence = wire::Evidence::protocol_reply;
  for (const auto code : codes) {
    out.conditions.push_back(wire::condition(*wire::find_condition(code)));
  }
  return out;
}

wire::Status offline() {
  auto out = with({"no-reply"});
  out.device = wire::DeviceState::offline;
  return out;
}

wire::Status busy_port() {
  wire::Status out;
  out.evidence = wire::Evidence::shared_busy;
  return out;
}

bool has(const wire::Status& status, std::string_view code) {
  return std::ranges::any_of(status.conditions, [&](const auto& c) { return c.code == code; });
}

/// Feeds the statuses in turn, `step` apart; what was reported.
std::vector<wire::Status> feed(Flapping& flapping, const std::vector<wire::Status>& turns,
                               int count, Duration step) {
  std::vector<wire::Status> out;
  for (int i = 0; i < count; ++i) {
    const auto now = at(i * step);
    CHECK_FALSE(flapping.calm(now));
    const auto told = flapping.changed(turns[static_cast<std::size_t>(i) % turns.size()], now);
    if (told) out.push_back(*told);
  }
  return out;
}

}  // namespace

TEST_CASE("what flaps and what does not") {
  struct Row {
    const char* what;
    std::vector<wire::Status> turns;
    Duration step;
    bool held;
  };
  auto half = with({});
  half.consumables.push_back({.type = "receipt_paper", .percent = 50});
  auto less = half;
  less.consumables[0].percent = 49;
  auto card = with({});
  card.media = wire::Media::present;
  for (const auto& row : {
           Row{"a loose plug", {with({}), offline()}, 10s, true},
           Row{"a sensor at its edge", {with({}), with({"media-low"})}, 10s, true},
           Row{"one fault after another", {with({"cover-open"}), with({"media-jam"})}, 10s, true},
           Row{"slowly enough", {with({}), offline()}, 150s, false},
           Row{"paper that is used up", {half, less}, 1s, false},
           Row{"cards that come and go", {with({}), card}, 1s, false},
           Row{"the business program at work", {with({}), busy_port()}, 1s, false},
           Row{"the business program at work, paper low",
               {with({"media-low"}), busy_port()},
               1s,
               false},
           Row{"tickets that wait", {with({}), with({"output-not-taken"})}, 10s, false},
       }) {
    CAPTURE(row.what);
    Flapping flapping{{}};
    const auto told = feed(flapping, row.turns, 40, row.step);
    CHECK(flapping.held() == row.held);
    if (row.held) {
      CHECK(told.size() == 7);  // the first, five changes, the hold
    } else {
      CHECK(told.size() == 40);
    }
  }
}

TEST_CASE("while it is held the fault stands all the time, whichever side came last") {
  for (const bool ends_in_fault : {false, true}) {
    CAPTURE(ends_in_fault);
    Flapping flapping{{.changes = 3, .window = 10min, .calm = 2min}};
    const auto fault = with({"cover-open"});
    std::vector<wire::Status> turns{fault, with({})};
    if (ends_in_fault) std::ranges::reverse(turns);
    const auto told = feed(flapping, turns, 4, 1s);
    REQUIRE(told.size() == 4);
    CHECK(has(told.back(), "cover-open"));
    CHECK(has(told.back(), "flapping"));
    CHECK(wire::health_of(told.back()) == wire::Health::fault);
  }
}

TEST_CASE("a new fault shows at once although the device is held") {
  Flapping flapping{{.changes = 3, .window = 10min, .calm = 2min}};
  feed(flapping, {with({}), with({"media-low"})}, 4, 1s);
  REQUIRE(flapping.held());
  const auto jam = flapping.changed(with({"media-jam"}), at(10s));
  REQUIRE(jam);
  CHECK(has(*jam, "media-jam"));
  CHECK(has(*jam, "media-low"));
  CHECK(wire::health_of(*jam) == wire::Health::fault);
  CHECK_FALSE(flapping.changed(with({"media-jam"}), at(11s)));
  CHECK_FALSE(flapping.changed(with({}), at(12s)));
  const auto gone = flapping.changed(offline(), at(13s));
  REQUIRE(gone);
  CHECK(gone->device == wire::DeviceState::offline);
}

TEST_CASE("a calm time ends the hold with the truth and the count of what was held back") {
  Flapping flapping{{.changes = 3, .window = 10min, .calm = 2min}};
  feed(flapping, {with({}), offline()}, 4, 1s);
  REQUIRE(flapping.held());
  CHECK_FALSE(flapping.changed(with({}), at(60s)));
  CHECK_FALSE(flapping.changed(offline(), at(61s)));
  CHECK_FALSE(flapping.changed(with({}), at(62s)));
  CHECK_FALSE(flapping.calm(at(181s)));
  const auto ended = flapping.calm(at(182s));
  REQUIRE(ended);
  CHECK(wire::health_of(ended->truth) == wire::Health::ok);
  CHECK(ended->held_back == 3);
  CHECK_FALSE(flapping.held());
  CHECK_FALSE(flapping.calm(at(200s)));
  // It has to be as bad again before it is held again.
  CHECK(flapping.changed(offline(), at(201s)));
  CHECK_FALSE(flapping.held());
}

TEST_CASE("a level that changes does not prolong the hold and is true at its end") {
  Flapping flapping{{.changes = 3, .window = 10min, .calm = 2min}};
  auto paper = with({});
  paper.consumables.push_back({.type = "receipt_paper", .percent = 50});
  feed(flapping, {paper, offline()}, 5, 1s);
  REQUIRE(flapping.held());
  for (int i = 0; i < 12; ++i) {
    paper.consumables[0].percent = 49 - i;
    CHECK_FALSE(flapping.changed(paper, at(10s * (i + 1))));
  }
  const auto ended = flapping.calm(at(130s));
  REQUIRE(ended);
  CHECK(ended->truth.consumables[0].percent == 38);
}

TEST_CASE("a held device that was reported as something else is reported as held again") {
  Flapping flapping{{.changes = 3, .window = 10min, .calm = 2min}};
  feed(flapping, {with({}), offline()}, 4, 1s);
  flapping.forget();
  const auto again = flapping.changed(with({}), at(5s));
  REQUIRE(again);
  CHECK(has(*again, "flapping"));
  CHECK_FALSE(flapping.changed(offline(), at(6s)));
}

TEST_CASE("another unit shows although the device is held, with its identity") {
  Flapping flapping{{.changes = 3, .window = 10min, .calm = 2min}};
  feed(flapping, {with({}), offline()}, 4, 1s);
  auto swapped = with({});
  swapped.identity.serial = "S2";
  const auto told = flapping.changed(swapped, at(5s));
  REQUIRE(told);
  CHECK(told->identity.serial == "S2");
  CHECK(has(*told, "flapping"));
  CHECK_FALSE(flapping.changed(offline(), at(6s)));  // no identity known: the last one stays
}

TEST_CASE("with 0 changes nothing is ever held") {
  Flapping flapping{{.changes = 0, .window = 10min, .calm = 2min}};
  CHECK(feed(flapping, {with({}), offline()}, 100, 1ms).size() == 100);
}

TEST_CASE("the worst of two statuses hides no trouble of either and repeats itself") {
  auto a = with({"media-low"});
  a.components.push_back({"cover", wire::ComponentState::closed});
  a.consumables.push_back({.type = "paper", .state = wire::ConsumableState::low, .percent = 8});
  auto b = offline();
  b.media = wire::Media::jammed;
  b.components.push_back({"cover", wire::ComponentState::inoperable});
  b.consumables.push_back({.type = "paper", .state = wire::ConsumableState::out, .percent = 0});
  b.consumables.push_back(
      {.type = "bin", .direction = wire::Direction::bin, .state = wire::ConsumableState::full});
  for (const auto& both : {worst(a, b), worst(b, a)}) {
    CHECK(both.device == wire::DeviceState::offline);
    CHECK(both.media == wire::Media::jammed);
    CHECK(both.components.at(0).state == wire::ComponentState::inoperable);
    CHECK(both.consumables.at(0).state == wire::ConsumableState::out);
    CHECK(both.consumables.size() == 2);
    CHECK(has(both, "media-low"));
    CHECK(has(both, "no-reply"));
    CHECK(wire::same_state(worst(both, a), both));
    CHECK(wire::same_state(worst(both, b), both));
  }
  auto warned = with({"flapping"});
  warned.conditions[0].code = "x";
  auto failed = with({"media-jam"});
  failed.conditions[0].code = "x";
  CHECK(worst(warned, failed).conditions.at(0).severity == wire::Severity::fault);
  CHECK(worst(failed, warned).conditions.at(0).severity == wire::Severity::fault);
  CHECK(worst(busy_port(), offline()).device == wire::DeviceState::offline);
  CHECK(worst(offline(), busy_port()).device == wire::DeviceState::offline);
}

TEST_CASE("a device that flaps is held by its worker, then told as it is, with a note") {
  SystemClock clock;
  Scene scene;
  Notebook notes;
  Board board;
  DeviceWorker::Timing timing;
  timing.retry = 1ms;
  timing.flapping = {.changes = 4, .window = 1min, .calm = 100ms};
  std::vector<DeviceWorker::Device> devices;
  devices.push_back({"printer", std::make_unique<FakeDriver>(scene), 1ms, 0ms, 0ms, true});
  const auto worker = std::make_shared<DeviceWorker>(
      drivers::PortAddress{}, std::move(devices), timing,
      [&](const drivers::PortAddress&, MonoTime) {
        return Result<std::unique_ptr<drivers::Port>>{std::make_unique<ScenePort>(scene, clock)};
      },
      notes, board, clock);
  worker->start();
  REQUIRE(notes.state_number(1));
  for (std::size_t i = 2; i <= 5; ++i) {
    scene.set(i % 2 == 0 ? Scene::Mode::silent : Scene::Mode::answers);
    REQUIRE(notes.state_number(i));
  }
  CHECK(has(*notes.state_number(5), "flapping"));
  CHECK(has(*notes.state_number(5), "no-reply"));
  const auto truth = notes.state_number(6);
  REQUIRE(truth);
  CHECK(wire::health_of(*truth) == wire::Health::ok);
  CHECK(notes.noted("flapping-ended printer held_back=0"));
  worker->stop();
  CHECK(worker->ended_within(20s));
}
