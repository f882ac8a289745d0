// Consumables of whole devices: in a status, through a worker, on disk, through a restart.
#include "agent/consumables/supplies.hpp"

#include <doctest/doctest.h>

#include "agent/config.hpp"
#include "agent/consumables/refill_event.hpp"
#include "agent/outbox/event_json.hpp"
#include "agent/poll/poller.hpp"
#include "agent/wiring.hpp"
#include "common/wire/conditions.hpp"
#include "outbox_fixture.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using wire::ConsumableState;
using wire::LevelSource;

namespace {

const std::string printer = R"([agent]
language = "en"
[[device]]
name = "receipt"
driver = "escpos"
port = "tcp://127.0.0.1:1"
[[device.consumable]]
type = "receipt_paper"
unit = "metres"
capacity = 80
near_end = 3
warn = 10
per_use = 0.2
[[device]]
name = "off"
driver = "escpos"
port = "tcp://127.0.0.1:1"
enabled = false
)";

/// As the escpos driver says it.
wire::Status said(ConsumableState paper, bool open = false) {
  wire::Status out;
  out.device = wire::DeviceState::online;
  out.evidence = wire::Evidence::protocol_reply;
  out.components.push_back(
      {"cover", open ? wire::ComponentState::open : wire::ComponentState::closed, true});
  wire::Consumable c{.type = "receipt_paper", .state = paper, .unit = "metres"};
  c.source = LevelSource::flag;
  if (paper == ConsumableState::out) {
    c.available = 0;
    out.conditions.push_back(wire::condition(*wire::find_condition("media-empty")));
  } else if (paper == ConsumableState::low) {
    out.conditions.push_back(wire::condition(*wire::find_condition("media-low")));
  }
  if (open) out.conditions.push_back(wire::condition(*wire::find_condition("cover-open")));
  out.consumables.push_back(std::move(c));
  return out;
}

std::string codes(const wire::Status& status) {
  std::string out;
  for (const auto& c : status.conditions) out += (out.empty() ? "" : ",") + c.code;
  return out;
}

struct Kiosk {
  explicit Kiosk(const std::vector<SupplyRow>& kept = {}) : supplies(clock, kept) {
    const auto config = parse_config(printer, "agent.toml");
    CHECK(config.problems.empty());
    supplies.use(config.language);
    supplies.use(supplied_devices(config));
    supplies.on_refill([this](const Supplies::Event& event) { refills.push_back(event); });
  }
  wire::Consumable poll(ConsumableState paper, bool open = false) {
    clock.advance(5s);
    status = supplies.heard("receipt", said(paper, open));
    return status.consumables.at(0);
  }
  ManualClock clock;
  std::vector<Supplies::Event> refills;
  Supplies supplies;
  wire::Status status;
};

}  // namespace

TEST_CASE("a roll's life: put in, used, near its end, out, changed, and then known by its length") {
  Kiosk kiosk;
  using enum ConsumableState;
  CHECK_FALSE(kiosk.poll(full).available);
  REQUIRE(kiosk.supplies.refill("receipt", "", {}, {}));
  CHECK(kiosk.poll(full).available == 80);
  CHECK(kiosk.poll(full).source == LevelSource::technician);

  // Four days of tickets, 90 a day of 0.2 m.
  for (int day = 0; day < 4; ++day) {
    for (int i = 0; i < 90; ++i) {
      REQUIRE(kiosk.supplies.used("receipt", "receipt_paper", 1, "pages", Lang::en));
    }
    kiosk.clock.advance(24h);
    kiosk.poll(full);
  }
  const auto counted = kiosk.poll(full);
  CHECK(counted.source == LevelSource::counted);
  CHECK(*counted.available == doctest::Approx(8).epsilon(0.01));
  CHECK(counted.days_left == 0);
  CHECK(*counted.use_per_day_7d == doctest::Approx(18).epsilon(0.01));
  CHECK(codes(kiosk.status) == "media-low");
  CHECK(kiosk.status.conditions[0].detail == "level<=10 metres");

  // The near-end sensor is later than the counter thought: the roll is longer.
  for (int i = 0; i < 40; ++i) {
    REQUIRE(kiosk.supplies.used("receipt", "", 0.2, "metres", Lang::en));
  }
  CHECK(kiosk.poll(full).available == 3);  // counted out, and the sensor sees more
  const auto low_now = kiosk.poll(low);
  CHECK(codes(kiosk.status) == "media-low");
  CHECK(kiosk.status.conditions[0].detail.empty());  // the printer's own word, told once
  CHECK(low_now.source == LevelSource::flag);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(kiosk.supplies.used("receipt", "", 0.2, "metres", Lang::en));
  }
  CHECK(kiosk.poll(out).available == 0);
  CHECK(kiosk.status.consumables[0].capacity == doctest::Approx(82));
  CHECK(codes(kiosk.status) == "media-empty");

  kiosk.poll(out, true);
  CHECK(kiosk.refills.size() == 1);
  const auto fresh = kiosk.poll(full);
  REQUIRE(kiosk.refills.size() == 2);
  CHECK(kiosk.refills[1].refilled.detected);
  CHECK(kiosk.refills[1].refilled.used == doctest::Approx(82));
  CHECK(fresh.available == doctest::Approx(82));
  CHECK(fresh.days_left == 4);
  CHECK(codes(kiosk.status).empty());
}

TEST_CASE("no poll makes a change of state by itself, not even when the day turns") {
  Kiosk kiosk;
  using enum ConsumableState;
  REQUIRE(kiosk.supplies.refill("receipt", "", {}, {}));
  for (int day = 0; day < 4; ++day) {
    REQUIRE(kiosk.supplies.used("receipt", "", 5, "metres", Lang::en));
    kiosk.clock.advance(24h);
  }
  kiosk.poll(full);
  int changes = 0;
  auto before = kiosk.status;
  constexpr int polls = 3 * 24 * 3600 / 5;
  for (int i = 0; i < polls; ++i) {
    kiosk.poll(full);
    if (!wire::same_state(before, kiosk.status)) ++changes;
    before = kiosk.status;
  }
  CHECK(changes <= 3);  // the days left, once a day
}

TEST_CASE("what is known by count stays while the port is busy, and a refill shows there too") {
  Kiosk kiosk;
  using enum ConsumableState;
  kiosk.poll(full);
  REQUIRE(kiosk.supplies.refill("receipt", "", {}, {}));
  REQUIRE(kiosk.supplies.used("receipt", "", 72, "metres", Lang::en));
  wire::Status busy;
  busy.evidence = wire::Evidence::shared_busy;
  auto shown = kiosk.supplies.unheard("receipt", busy);
  REQUIRE(shown.consumables.size() == 1);
  CHECK(shown.consumables[0].available == 8);
  CHECK(codes(shown) == "media-low");
  CHECK(wire::health_of(shown) == wire::Health::unknown);

  // The outbox keeps what the device said while it is not heard; what the agent judged itself not.
  Box box;
  box.open(1);
  box.outbox->append_state("receipt", shown, box.now());
  REQUIRE(kiosk.supplies.refill("receipt", "", {}, {}));
  shown = kiosk.supplies.unheard("receipt", busy);
  CHECK(shown.consumables[0].available == 80);
  const auto written = box.outbox->append_state("receipt", shown, box.now());
  REQUIRE(written);
  CHECK(written->status->condition_size() == 0);
}

TEST_CASE("a word about a consumable that cannot be is refused and changes nothing") {
  Kiosk kiosk;
  kiosk.poll(ConsumableState::full);
  const auto before = kiosk.supplies.unsaved(true);
  auto& s = kiosk.supplies;
  struct Row {
    Result<Supplies::Event> done;
    Errc code;
    const char* text;
  };
  for (const auto& row : {
           Row{s.refill("nobody", "", {}, {}), Errc::missing,
               "no device \"nobody\"; configured: off, receipt"},
           Row{s.refill("off", "", {}, {}), Errc::refused,
               "device off is disabled in the configuration"},
           Row{s.refill("receipt", "cheese", {}, {}), Errc::invalid,
               "device receipt has no consumable \"cheese\"; it has: receipt_paper"},
           Row{s.refill("receipt", "", -1, {}), Errc::invalid,
               "an amount must be a number above 0, at most 1000000"},
           Row{s.refill("receipt", "", 90, {}), Errc::invalid,
               "more than receipt_paper holds, 80 metres; tell another capacity with --capacity"},
       }) {
    REQUIRE_FALSE(row.done);
    CHECK(row.done.error().code() == row.code);
    CHECK(row.done.error().text() == row.text);
  }
  CHECK(s.used("receipt", "", 1, "litres", Lang::en).error().code() == Errc::invalid);
  CHECK(s.used("receipt", "", 1, "g", Lang::en).error().text() ==
        "receipt_paper of device receipt is counted in metres, not in \"g\"; per_use in the "
        "configuration says what one takes");
  CHECK(s.used("receipt", "", 0, "metres", Lang::en).error().code() == Errc::invalid);
  CHECK(kiosk.refills.empty());
  CHECK(kiosk.supplies.unsaved(true).empty());
  CHECK_FALSE(before.empty());
}

TEST_CASE("a use that no level follows from is said to") {
  Kiosk kiosk;
  auto& s = kiosk.supplies;
  // Heard, and of no consumable: a keypad, say.
  wire::Status keypad;
  keypad.evidence = wire::Evidence::protocol_reply;
  Kiosk other;
  {
    auto config = parse_config(
        "[[device]]\nname = \"epp\"\ndriver = \"escpos\"\nport = \"tcp://127.0.0.1:1\"\n",
        "agent.toml");
    config.language = Lang::en;
    other.supplies.use(config.language);
    other.supplies.use(supplied_devices(config));
  }
  // Before it was heard nobody knows what it has.
  CHECK(other.supplies.heard("epp", keypad).consumables.empty());
  const auto toner = other.supplies.used("epp", "toner", 1, "percent", Lang::en);
  REQUIRE_FALSE(toner);
  CHECK(toner.error().text() == "device epp has no consumables");
  const auto refilled = other.supplies.refill("epp", "", {}, {}, Lang::zh_cn);
  REQUIRE_FALSE(refilled);
  CHECK(refilled.error().text() == "设备 epp 没有耗材");
  // A roll of which nobody said how long it is: the use is noted, no level can follow.
  wire::Consumable paper{.type = "invoice_stock", .state = ConsumableState::full, .unit = "count"};
  wire::Status status;
  status.evidence = wire::Evidence::protocol_reply;
  status.consumables = {paper};
  other.supplies.heard("epp", status);
  const auto unknown = other.supplies.used("epp", "invoice_stock", 1, "count", Lang::en);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().text().find("the use is noted") == 0);
  REQUIRE(other.supplies.refill("epp", "invoice_stock", 100, {}));
  CHECK(other.supplies.used("epp", "invoice_stock", 1, "count", Lang::en));
  CHECK(s.refill("nobody", "", {}, {}, Lang::zh_cn).error().text().find("没有设备“nobody”") == 0);
}

TEST_CASE("polls do not write, use and refills do, and all of it survives a power cut") {
  Kiosk kiosk;
  Box box;
  box.open(1);
  using enum ConsumableState;
  kiosk.poll(full);
  CHECK(kiosk.supplies.unsaved(false).size() == 1);  // the sensor's first word
  for (int i = 0; i < 100; ++i) kiosk.poll(full);
  CHECK(kiosk.supplies.unsaved(false).empty());
  REQUIRE(kiosk.supplies.refill("receipt", "", 50, {}));
  box.outbox->save_supplies(kiosk.supplies.unsaved(false));
  REQUIRE(kiosk.supplies.used("receipt", "", 7, "metres", Lang::en));
  box.outbox->save_supplies(kiosk.supplies.unsaved(false));
  CHECK(kiosk.supplies.unsaved(true).empty());
  box.cut();
  box.open(2);
  Kiosk after{box.outbox->supplies()};
  CHECK(after.poll(full).available == 43);
  CHECK(after.poll(full).source == LevelSource::counted);
  // A device that is gone from the configuration is forgotten.
  box.outbox->retain_devices({"off"});
  CHECK(box.outbox->supplies().empty());
  box.open(3);
  CHECK(box.outbox->supplies().empty());
}

TEST_CASE("a damaged row is told as lost, the others stay; a damaged file is salvaged with them") {
  Box box;
  box.open(1);
  box.outbox->save_supplies({{"a", "toner", R"({"level":1})"}, {"b", "toner", R"({"level":2})"}});
  box.cut();
  {
    auto db = db::Database::open(box.folder.path() / "outbox.db", {});
    REQUIRE(db);
    (*db)->run("UPDATE supply SET body='{\"level\":9}' WHERE device='a'");
  }
  box.open(2);
  const auto kept = box.outbox->supplies();
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].device == "b");
  const auto items = box.all(2);
  REQUIRE(items.size() == 1);
  CHECK(items[0].event().agent().code() == "supplies-lost");
  CHECK(items[0].event().agent().detail() == "1 consumables");
}

TEST_CASE("two supplies of one type are not one that is refilled at every poll") {
  Kiosk kiosk;
  wire::Status both;
  both.evidence = wire::Evidence::protocol_reply;
  for (const double percent : {97., 45.}) {
    wire::Consumable c{.type = "other", .state = ConsumableState::full, .unit = "percent"};
    c.source = LevelSource::measured;
    c.available = c.percent = percent;
    both.consumables.push_back(std::move(c));
  }
  for (int i = 0; i < 5; ++i) {
    kiosk.clock.advance(5s);
    kiosk.status = kiosk.supplies.heard("receipt", both);
    REQUIRE(kiosk.status.consumables.size() >= 2);
    CHECK(kiosk.status.consumables[0].available == 97);
    CHECK(kiosk.status.consumables[1].available == 45);
  }
  CHECK(kiosk.refills.empty());
}

TEST_CASE("nobody refills or uses up a battery") {
  Kiosk kiosk;
  wire::Status ups;
  ups.evidence = wire::Evidence::protocol_reply;
  wire::Consumable c{.type = "battery", .state = ConsumableState::full, .unit = "percent"};
  c.source = LevelSource::measured;
  for (const double charge : {97., 20., 97.}) {
    c.available = c.percent = charge;
    ups.consumables = {c};
    kiosk.clock.advance(1h);
    CHECK(kiosk.supplies.heard("receipt", ups).consumables.at(0).available == charge);
  }
  CHECK(kiosk.refills.empty());
  const auto refused = kiosk.supplies.refill("receipt", "battery", {}, {});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text() ==
        "device receipt has no consumable \"battery\"; it has: receipt_paper");
  CHECK_FALSE(kiosk.supplies.used("receipt", "battery", 1, "percent", Lang::en));
  // The only one that can be refilled needs no name.
  CHECK(kiosk.supplies.refill("receipt", "", {}, {}));
}

TEST_CASE("whoever hears of a refill can save what it changed before telling it") {
  Kiosk kiosk;
  using enum ConsumableState;
  std::vector<SupplyRow> rows;
  kiosk.supplies.on_refill([&](const Supplies::Event&) { rows = kiosk.supplies.unsaved(false); });
  kiosk.poll(full);
  kiosk.poll(out);
  kiosk.supplies.unsaved(true);
  kiosk.poll(out, true);
  kiosk.poll(full);
  REQUIRE(rows.size() == 1);
  Kiosk after{rows};  // a power cut then
  after.poll(full);
  CHECK(after.refills.empty());
  CHECK(kiosk.supplies.unsaved(false).empty());
}

TEST_CASE("one more supply of a type is configured and judged as the first") {
  for (const auto* type : {"other_2", "toner_cyan_2", "transfer_unit_12"}) {
    CAPTURE(type);
    CHECK(known_supply(type));
  }
  CHECK(low_code("toner_2") == "toner-low");
  CHECK(low_code("toner_cyan_2") == "toner-low");
  for (const auto* type : {"other_", "other_0", "_2", "other2", "2", "cheese_2"}) {
    CAPTURE(type);
    CHECK_FALSE(known_supply(type));
  }
}

TEST_CASE("a refill travels as an event of its own") {
  Supplies::Event refill{"receipt", "receipt_paper", {}};
  refill.refilled.before = 0;
  refill.refilled.level = 82.5;
  refill.refilled.used = 81;
  refill.refilled.detected = true;
  refill.refilled.unit = "metres";
  const auto event = refill_event(refill);
  CHECK(wire::class_of(event) == wire::EventClass::consumable);
  Box box;
  box.open(1);
  box.outbox->append(event, box.now());
  const auto batch = box.outbox->batch_after(1, 0, Box::wide());
  REQUIRE(batch);
  pb::Envelope envelope;
  *envelope.mutable_batch() = *batch;
  CHECK(wire::decode(wire::encode(envelope)));
  const auto json = event_json(1, box.outbox->newest(1).at(0).second);
  CHECK(json.at("class") == "consumable");
  CHECK(json.at("refill") == "receipt_paper");
  CHECK(json.at("level") == 82.5);
  CHECK(json.at("capacity").is_null());
  auto bad = envelope;
  bad.mutable_batch()->mutable_item(0)->mutable_event()->mutable_refill()->set_device("no good");
  CHECK_FALSE(wire::decode(wire::encode(bad)));
}
