#include "agent/poll/reported.hpp"

#include <doctest/doctest.h>

#include "agent/config.hpp"
#include "agent/poll/poller.hpp"
#include "common/wire/conditions.hpp"
#include "fake_device.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using Mode = Scene::Mode;

namespace {

constexpr MonoTime t0 = mono_from(1'000'000'000);

DeviceResult good(MonoTime at) { return {true, {}, {}, at}; }
DeviceResult bad(MonoTime at, std::string code = "E7", std::string detail = {}) {
  return {false, std::move(code), std::move(detail), at};
}

wire::Status said(std::initializer_list<const char*> codes) {
  wire::Status out;
  out.device = wire::DeviceState::online;
  out.evidence = wire::Evidence::protocol_reply;
  for (const auto* code : codes) {
    out.conditions.push_back(wire::condition(*wire::find_condition(code)));
  }
  return out;
}

std::string codes(const wire::Status& status) {
  std::string out;
  for (const auto& c : status.conditions) out += (out.empty() ? "" : ",") + c.code;
  return out;
}

}  // namespace

TEST_CASE("when an application's result stands for a device that polls do not reach") {
  struct Row {
    const char* name;
    Errc why;
    Duration reported;  ///< after the first miss
    Duration asked;
    bool stands;
  };
  for (const auto& row : {
           Row{"busy port, a report from before", Errc::busy, -5min, 1min, true},
           Row{"busy port, a report since", Errc::busy, 30s, 1min, true},
           Row{"busy port, aged out", Errc::busy, 0s, 10min + 1s, false},
           Row{"silent, a report since: its connection is held", Errc::timeout, 30s, 1min, true},
           Row{"silent, the last report is older", Errc::timeout, -1s, 1min, false},
           Row{"silent, aged out", Errc::timeout, 30s, 11min, false},
           Row{"no such port", Errc::missing, 30s, 1min, false},
           Row{"another device", Errc::refused, 30s, 1min, false},
           Row{"unplugged", Errc::disconnected, 30s, 1min, false},
       }) {
    CAPTURE(row.name);
    Reported results{{.age = 10min, .failures = 3}};
    results.add(good(t0 + row.reported), t0 + row.asked);
    const auto status = results.stands_for(row.why, t0, std::nullopt, t0 + row.asked);
    CHECK(status.has_value() == row.stands);
    if (!status) continue;
    CHECK(status->evidence == wire::Evidence::driver_report);
    CHECK(wire::health_of(*status) == wire::Health::ok);
  }
}

TEST_CASE("failures in a row are a condition, one success ends it, and so does age") {
  Reported results{{.age = 10min, .failures = 3}};
  const auto status = [&](MonoTime now) {
    return results.stands_for(Errc::busy, t0, std::nullopt, now);
  };
  results.add(bad(t0 + 1s), t0 + 1s);
  results.add(bad(t0 + 2s), t0 + 2s);
  CHECK(wire::health_of(*status(t0 + 2s)) == wire::Health::ok);
  CHECK_FALSE(results.beside_poll(t0 + 2s));
  results.add(bad(t0 + 3s, "EOT2=32"), t0 + 3s);
  REQUIRE(codes(*status(t0 + 3s)) == "results-failing");
  CHECK(status(t0 + 3s)->conditions[0].vendor_code == "EOT2=32");
  CHECK(wire::health_of(*status(t0 + 3s)) == wire::Health::fault);
  REQUIRE(results.beside_poll(t0 + 3s));
  CHECK(results.beside_poll(t0 + 3s)->severity == wire::Severity::warning);
  results.add(good(t0 + 4s), t0 + 4s);
  CHECK(codes(*status(t0 + 4s)).empty());
  for (int i = 5; i < 8; ++i) results.add(bad(t0 + i * 1s), t0 + i * 1s);
  CHECK(results.beside_poll(t0 + 8s));
  CHECK_FALSE(results.beside_poll(t0 + 8s + 10min));
  CHECK_FALSE(status(t0 + 8s + 10min));
  // A failure long after is the first of another row.
  results.add(bad(t0 + 1h), t0 + 1h);
  CHECK(codes(*status(t0 + 1h)).empty());
}

TEST_CASE("a failure explains no silence") {
  Reported results{{.age = 10min, .failures = 3}};
  const auto status = [&](Errc why, MonoTime now) {
    return results.stands_for(why, t0, std::nullopt, now);
  };
  for (int i = 1; i < 5; ++i) {
    results.add(bad(t0 + i * 1s), t0 + i * 1s);
    CHECK_FALSE(status(Errc::timeout, t0 + i * 1s));
    CHECK(status(Errc::busy, t0 + i * 1s));
  }
  results.add(good(t0 + 5s), t0 + 5s);
  CHECK(status(Errc::timeout, t0 + 5s));
  results.add(bad(t0 + 6s), t0 + 6s);
  CHECK_FALSE(status(Errc::timeout, t0 + 6s));
}

TEST_CASE("a row of failures keeps the words that completed it until it ends") {
  Reported results{{.age = 10min, .failures = 2}};
  const auto words = [&](MonoTime now) {
    const auto status = results.stands_for(Errc::busy, t0, std::nullopt, now);
    const auto& condition = status->conditions.at(0);
    return condition.vendor_code + " " + condition.detail;
  };
  results.add(bad(t0 + 1s, "E1", "job 1"), t0 + 1s);
  results.add(bad(t0 + 2s, "E2", "job 2"), t0 + 2s);
  CHECK(words(t0 + 2s) == "E2 job 2");
  results.add(bad(t0 + 3s, "E3", "job 3"), t0 + 3s);
  CHECK(words(t0 + 3s) == "E2 job 2");
  CHECK(results.beside_poll(t0 + 3s)->detail == "job 2");
  results.add(good(t0 + 4s), t0 + 4s);
  results.add(bad(t0 + 5s, "E5", "job 5"), t0 + 5s);
  results.add(bad(t0 + 6s, "E6", "job 6"), t0 + 6s);
  CHECK(words(t0 + 6s) == "E6 job 6");
}

TEST_CASE("results that come late or from the future do no harm") {
  Reported results{{.age = 10min, .failures = 1}};
  results.add(good(t0 + 10s), t0 + 10s);
  results.add(bad(t0 + 5s), t0 + 11s);
  CHECK_FALSE(results.beside_poll(t0 + 11s));
  results.add(bad(t0 + 24h), t0 + 12s);
  CHECK(results.last(t0 + 12s) == t0 + 12s);
}

TEST_CASE("what the device itself said last stays, except what the application has refuted") {
  auto heard = said({"media-low", "cutter-error"});
  heard.consumables.push_back({.type = "receipt_paper",
                               .state = wire::ConsumableState::out,
                               .source = wire::LevelSource::flag,
                               .unit = "metres",
                               .available = 0});
  Reported results{{.age = 10min, .failures = 3}};
  results.add(bad(t0), t0);
  auto status = results.stands_for(Errc::busy, t0, Reported::Heard{heard, t0 - 1s}, t0);
  CHECK(codes(*status) == "media-low,cutter-error");
  CHECK(status->consumables[0].state == wire::ConsumableState::out);
  results.add(good(t0 + 1s), t0 + 1s);
  status = results.stands_for(Errc::busy, t0, Reported::Heard{heard, t0 - 1s}, t0 + 1s);
  CHECK(codes(*status) == "media-low");
  CHECK(status->consumables[0].state == wire::ConsumableState::unknown);
  CHECK_FALSE(status->consumables[0].available);
  CHECK(wire::health_of(*status) == wire::Health::warning);
}

TEST_CASE("a fault that the device told after the application worked with it stays") {
  Reported results{{.age = 10min, .failures = 3}};
  results.add(good(t0), t0);
  auto heard = Reported::Heard{said({"media-low", "cutter-error"}), t0 + 1s};
  heard.status.consumables.push_back(
      {.type = "receipt_paper", .state = wire::ConsumableState::out, .available = 0});
  auto status = results.stands_for(Errc::busy, t0 + 2s, heard, t0 + 3s);
  REQUIRE(status);
  CHECK(codes(*status) == "media-low,cutter-error");
  CHECK(status->consumables[0].state == wire::ConsumableState::out);
  CHECK_FALSE(results.refutes(heard, t0 + 3s));
  // It works again, so that is over too.
  results.add(good(t0 + 4s), t0 + 4s);
  status = results.stands_for(Errc::busy, t0 + 2s, heard, t0 + 4s);
  CHECK(codes(*status) == "media-low");
  CHECK(results.refutes(heard, t0 + 4s));
}

TEST_CASE("a device that is only seen to be there is as applications report it") {
  auto seen = said({});
  seen.evidence = wire::Evidence::presence_only;
  Reported results{{.age = 10min, .failures = 2}};
  CHECK_FALSE(results.of_present(seen, t0));
  results.add(good(t0), t0);
  auto status = results.of_present(seen, t0);
  REQUIRE(status);
  CHECK(status->evidence == wire::Evidence::driver_report);
  CHECK(wire::health_of(*status) == wire::Health::ok);
  results.add(bad(t0 + 1s), t0 + 1s);
  results.add(bad(t0 + 2s), t0 + 2s);
  status = results.of_present(seen, t0 + 2s);
  CHECK(codes(*status) == "results-failing");
  CHECK(wire::health_of(*status) == wire::Health::fault);
  CHECK_FALSE(results.of_present(seen, t0 + 11min));
  seen.device = wire::DeviceState::no_device;
  CHECK_FALSE(results.of_present(seen, t0 + 2s));
  CHECK_FALSE(results.of_present(said({}), t0 + 2s));
}

TEST_CASE("what is kept goes on as it was, by other limits too, and shows nothing it did not see") {
  const ResultLimits limits{.age = 10min, .failures = 2};
  CHECK_FALSE(Reported{limits}.kept());
  Reported first{limits};
  first.add(bad(t0, "E1", "job 1"), t0);
  first.add(bad(t0 + 1s, "E2", "job 2"), t0 + 1s);
  first.add(bad(t0 + 2s, "E3", "job 3"), t0 + 2s);
  const Reported second{limits, first.kept()};
  REQUIRE(second.beside_poll(t0 + 3s));
  CHECK(second.beside_poll(t0 + 3s)->vendor_code == "E2");
  CHECK_FALSE(second.beside_poll(t0 + 11min));
  Reported stricter{{.age = 10min, .failures = 4}, first.kept()};
  CHECK_FALSE(stricter.beside_poll(t0 + 3s));
  stricter.add(bad(t0 + 4s, "E4"), t0 + 4s);
  REQUIRE(stricter.beside_poll(t0 + 4s));
  CHECK(stricter.beside_poll(t0 + 4s)->vendor_code == "E4");

  Reported worked{limits};
  worked.add(good(t0), t0);
  CHECK(worked.refutes(std::nullopt, t0));
  // What the device told between then and now is not known here.
  const Reported after{limits, worked.kept()};
  CHECK(after.stands_for(Errc::busy, t0 + 1s, std::nullopt, t0 + 1s));
  CHECK_FALSE(after.refutes(std::nullopt, t0 + 1s));
}

TEST_CASE("what a sensor said before the port was taken is no level of now") {
  wire::Status heard;
  const auto supply = [](std::string_view type, wire::ConsumableState state,
                         wire::LevelSource source) {
    return wire::Consumable{.type = std::string{type}, .state = state, .source = source};
  };
  using enum wire::ConsumableState;
  heard.consumables = {supply("card_stock", full, wire::LevelSource::flag),
                       supply("toner", full, wire::LevelSource::measured),
                       supply("retain_bin", ok, wire::LevelSource::flag),
                       supply("paper", low, wire::LevelSource::flag),
                       supply("drum", ok, wire::LevelSource::counted)};
  Reported results{{.age = 10min, .failures = 3}};
  results.add(good(t0), t0);
  const auto status = results.stands_for(Errc::busy, t0, Reported::Heard{heard, t0}, t0);
  REQUIRE(status->consumables.size() == 2);
  CHECK(status->consumables[0].type == "paper");
  CHECK(status->consumables[1].type == "drum");
}

namespace {

struct Rig {
  Rig() {
    timing.deadline = 10s;
    timing.sample = 1ms;
    timing.retry = 1ms;
    std::vector<DeviceWorker::Device> devices;
    devices.push_back(
        {"printer", std::make_unique<FakeDriver>(scene), 2ms, 0ms, 0ms, false, Reported{{age, 2}}});
    worker = std::make_shared<DeviceWorker>(
        drivers::PortAddress{}, std::move(devices), timing,
        [this](const drivers::PortAddress&, MonoTime) { return open(); }, notes, board, clock);
  }
  ~Rig() {
    worker->stop();
    worker->ended_within(20s);
  }
  Result<std::unique_ptr<drivers::Port>> open() {
    if (scene.mode() == Mode::busy) return Error{Errc::busy, "held by somebody"};
    if (scene.mode() == Mode::missing) return Error{Errc::missing, "no such port"};
    return std::unique_ptr<drivers::Port>{std::make_unique<ScenePort>(scene, clock)};
  }
  /// The first status recorded from number `from` on that is as wanted.
  std::optional<wire::Status> comes(std::size_t from,
                                    const std::function<bool(const wire::Status&)>& wanted) {
    for (auto n = from;; ++n) {
      auto status = notes.state_number(n);
      if (!status || wanted(*status)) return status;
    }
  }

  static constexpr Duration age = 300ms;
  DeviceWorker::Timing timing;
  SystemClock clock;
  Scene scene;
  Notebook notes;
  Board board;
  std::shared_ptr<DeviceWorker> worker;
};

}  // namespace

TEST_CASE("a port that is held all day: unknown, then as reported, then failing, unknown, polled") {
  Rig rig;
  rig.scene.set(Mode::busy);
  rig.worker->start();
  const auto busy = rig.notes.state_number(1);
  REQUIRE(busy);
  CHECK(busy->evidence == wire::Evidence::shared_busy);
  CHECK(busy->conditions.empty());
  CHECK(wire::health_of(*busy) == wire::Health::unknown);

  rig.worker->report(0, good(rig.clock.mono()));
  const auto worked = rig.notes.state_number(2);
  REQUIRE(worked);
  CHECK(worked->evidence == wire::Evidence::driver_report);
  CHECK(wire::health_of(*worked) == wire::Health::ok);
  CHECK(rig.notes.samples_reach(1));  // its age

  rig.worker->report(0, bad(rig.clock.mono()));
  rig.worker->report(0, bad(rig.clock.mono()));
  const auto failing = rig.comes(3, [](const auto& s) { return !s.conditions.empty(); });
  REQUIRE(failing);
  CHECK(codes(*failing) == "results-failing");

  // Nothing is reported any more: what was said ages out by itself.
  const auto again =
      rig.comes(4, [](const auto& s) { return s.evidence == wire::Evidence::shared_busy; });
  REQUIRE(again);
  CHECK(wire::health_of(*again) == wire::Health::unknown);
  rig.scene.set(Mode::answers);
  const auto polled =
      rig.comes(5, [](const auto& s) { return s.evidence == wire::Evidence::protocol_reply; });
  REQUIRE(polled);
  CHECK(wire::health_of(*polled) == wire::Health::ok);
}

TEST_CASE(
    "a device that polls only see to be there is ok, failing, unplugged as results and polls say") {
  Rig rig;
  rig.scene.set(Mode::there);
  rig.worker->start();
  const auto there = rig.notes.state_number(1);
  REQUIRE(there);
  CHECK(there->evidence == wire::Evidence::presence_only);
  rig.worker->report(0, good(rig.clock.mono()));
  const auto worked = rig.notes.state_number(2);
  REQUIRE(worked);
  CHECK(worked->evidence == wire::Evidence::driver_report);
  CHECK(wire::health_of(*worked) == wire::Health::ok);
  rig.worker->report(0, bad(rig.clock.mono()));
  rig.worker->report(0, bad(rig.clock.mono()));
  const auto failing = rig.comes(3, [](const auto& s) { return !s.conditions.empty(); });
  REQUIRE(failing);
  CHECK(codes(*failing) == "results-failing");
  CHECK(wire::health_of(*failing) == wire::Health::fault);
  // Aged out: only its presence is known again.
  const auto aged =
      rig.comes(4, [](const auto& s) { return s.evidence == wire::Evidence::presence_only; });
  REQUIRE(aged);
  CHECK(aged->conditions.empty());
  rig.worker->report(0, good(rig.clock.mono()));
  rig.scene.set(Mode::missing);
  const auto gone =
      rig.comes(5, [](const auto& s) { return s.device == wire::DeviceState::no_device; });
  REQUIRE(gone);
  CHECK(codes(*gone) == "not-present");
}

TEST_CASE("that a device worked is told although its status stays the same") {
  Rig rig;
  rig.scene.set(Mode::busy);
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.worker->report(0, bad(rig.clock.mono()));
  const auto failed = rig.notes.state_number(2);
  REQUIRE(failed);
  CHECK(failed->evidence == wire::Evidence::driver_report);
  CHECK_FALSE(rig.notes.proven(1));
  rig.worker->report(0, good(rig.clock.mono()));
  const auto worked = rig.notes.state_number(3);
  REQUIRE(worked);
  CHECK(wire::same_state(*worked, *failed));
  CHECK(rig.notes.proven(2));
}

TEST_CASE("a poll that gets through wins over a report, and failures beside it are a warning") {
  Rig rig;
  rig.worker->start();
  REQUIRE(rig.notes.state_number(1));
  rig.worker->report(0, bad(rig.clock.mono()));
  rig.worker->report(0, bad(rig.clock.mono()));
  const auto both = rig.notes.state_number(2);
  REQUIRE(both);
  CHECK(both->evidence == wire::Evidence::protocol_reply);
  CHECK(both->device == wire::DeviceState::online);
  CHECK(codes(*both) == "results-failing");
  CHECK(wire::health_of(*both) == wire::Health::warning);
  rig.worker->report(0, good(rig.clock.mono()));
  const auto well = rig.notes.state_number(3);
  REQUIRE(well);
  CHECK(wire::health_of(*well) == wire::Health::ok);
  CHECK(rig.board.all().at("printer").reported_at == std::nullopt);
}

TEST_CASE("a result for a device that is not polled is refused with the reason") {
  const auto config = parse_config(
      "[[device]]\nname = \"off\"\ndriver = \"escpos\"\nport = \"tcp://127.0.0.1:1\"\n"
      "enabled = false\n[agent]\nlanguage = \"en\"\n",
      "agent.toml");
  const SystemClock clock;
  Notebook notes;
  Board board;
  const auto never = [](const drivers::PortAddress&, MonoTime) {
    return Result<std::unique_ptr<drivers::Port>>{Error{Errc::missing, "x"}};
  };
  Poller poller{config, never, notes, board, clock, 1};
  CHECK(poller.report("off", good(clock.mono()), Lang::en).error().code() == Errc::refused);
  CHECK(poller.report("off", good(clock.mono()), Lang::en).error().text() ==
        "device off is disabled in the configuration");
  CHECK(poller.report("off", good(clock.mono()), Lang::zh_cn).error().text() ==
        "设备 off 已在配置中停用");
  const auto none = poller.report("printer", good(clock.mono()), Lang::en);
  REQUIRE(none.error().code() == Errc::missing);
  CHECK(none.error().text() == "no device \"printer\"; configured: off");
}

TEST_CASE("a stuck driver delays no other port's poll") {
  static Scene* stages[2];
  Scene stuck;
  Scene well;
  stages[0] = &stuck;
  stages[1] = &well;
  stuck.deaf = true;
  stuck.set(Mode::hangs);
  static const drivers::Card first{
      .name = "first", .kind = "test", .make = [](const drivers::Settings&) {
        return Checked<std::unique_ptr<drivers::Driver>>{std::make_unique<FakeDriver>(*stages[0])};
      }};
  static const drivers::Card second{
      .name = "second", .kind = "test", .make = [](const drivers::Settings&) {
        return Checked<std::unique_ptr<drivers::Driver>>{std::make_unique<FakeDriver>(*stages[1])};
      }};
  AgentConfig config;
  config.poll_deadline = 5ms;
  config.sample = 1ms;  // one with every poll that is answered
  DeviceConfig device;
  device.poll = 20ms;
  device.name = "stuck";
  device.port = "one";
  device.card = &first;
  config.devices.push_back(device);
  device.name = "well";
  device.port = "two";
  device.card = &second;
  config.devices.push_back(device);
  const SystemClock clock;
  Notebook notes;
  Board board;
  const auto open = [&](const drivers::PortAddress&, MonoTime) {
    return Result<std::unique_ptr<drivers::Port>>{std::make_unique<ScenePort>(well, clock)};
  };
  Poller poller{config, open, notes, board, clock, 1};
  poller.start();
  REQUIRE(notes.noted("stuck stuck "));
  CHECK(poller.report("stuck", good(clock.mono()), Lang::en).error().code() == Errc::refused);
  // While the one is stuck, the other is polled as often as it is configured.
  constexpr int polls = 50;
  const auto seen = notes.sampled();
  const auto begun = clock.mono();
  REQUIRE(notes.samples_reach(seen + polls));
  const auto took = clock.mono() - begun;
  MESSAGE(polls << " polls every 20 ms took " << took.count() / 1'000 << " ms");
  CHECK(took < 4 * polls * device.poll);  // room for a machine that is busy with other things
  stuck.set(Mode::answers);
  CHECK(poller.stop(20s));
}
