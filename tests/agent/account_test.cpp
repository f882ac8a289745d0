// The level of one consumable, by flags, figures, counts and words. No clock, no disk.
#include "agent/consumables/account.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "agent/consumables/kept.hpp"

using namespace kw;
using namespace kw::agent;
using namespace std::chrono_literals;
using wire::ConsumableState;
using wire::LevelSource;

namespace {

// 2026-11-22 00:00 in Shanghai.
constexpr WallTime midnight = wall_from(1'795'276'800'000'000);

wire::Consumable flag(ConsumableState state) {
  wire::Consumable out{.type = "receipt_paper", .state = state, .unit = "metres"};
  out.source = LevelSource::flag;
  if (state == ConsumableState::out) out.available = 0;
  return out;
}

wire::Consumable figure(double value, ConsumableState state = ConsumableState::ok) {
  wire::Consumable out{.type = "toner", .state = state, .unit = "percent"};
  out.source = LevelSource::measured;
  out.available = value;
  out.percent = value;
  return out;
}

SupplyRules roll() {
  SupplyRules out;
  out.type = "receipt_paper";
  out.unit = "metres";
  out.capacity = 80;
  out.warn = 10;
  out.near_end = 3;
  return out;
}

SupplyRules toner() {
  SupplyRules out;
  out.type = "toner";
  return out;
}

constexpr auto full = ConsumableState::full;
constexpr auto low = ConsumableState::low;
constexpr auto out_of = ConsumableState::out;

/// A printer's paper sensor and cover, poll by poll, five seconds apart.
struct Paper {
  explicit Paper(SupplyRules rules = roll()) : account(std::move(rules)) {}
  std::optional<Refilled> poll(ConsumableState state, std::optional<bool> open = false) {
    now += 5s;
    said = flag(state);
    return account.seen(said, open, now);
  }
  wire::Consumable shown() { return account.shown(&said, now); }
  Account account;
  wire::Consumable said;
  WallTime now = midnight;
};

}  // namespace

TEST_CASE("unknown stays unknown: no figure, no refill, no level") {
  Paper paper;
  CHECK_FALSE(paper.poll(full));
  CHECK_FALSE(paper.shown().available);
  CHECK_FALSE(paper.shown().percent);
  CHECK(paper.shown().capacity == 80);
  CHECK_FALSE(paper.account.judged());
  REQUIRE(paper.account.used(5, "metres", paper.now));
  CHECK_FALSE(paper.shown().available);  // five of how many?
}

TEST_CASE("flags override what was counted") {
  struct Row {
    const char* name;
    double used;  ///< of 80, before the flag
    ConsumableState flag;
    std::optional<double> level;
    LevelSource source;
  };
  for (const auto& row : {
           Row{"counted, nothing said against it", 30, full, 50, LevelSource::counted},
           Row{"near end: not more than the near end", 30, low, 3, LevelSource::flag},
           Row{"near end, counted below it already", 78, low, 2, LevelSource::flag},
           Row{"empty: nothing", 30, out_of, 0, LevelSource::flag},
           Row{"counted out, but the sensor sees more than the near end", 80, full, 3,
               LevelSource::flag},
       }) {
    CAPTURE(row.name);
    Paper paper;
    paper.poll(full);
    REQUIRE(paper.account.refilled({}, {}, paper.now));
    CHECK(paper.shown().source == LevelSource::technician);
    REQUIRE(paper.account.used(row.used, "metres", paper.now));
    paper.poll(row.flag);
    CHECK(paper.shown().available == row.level);
    CHECK(paper.shown().source == row.source);
  }
}

TEST_CASE("where the operator says nothing, the device's own near end counts") {
  auto rules = roll();
  rules.near_end.reset();
  rules.warn.reset();
  Paper paper{rules};
  const auto poll = [&](ConsumableState state) {
    paper.now += 5s;
    paper.said = flag(state);
    paper.said.warning_level = 4;
    paper.account.seen(paper.said, false, paper.now);
    return paper.shown();
  };
  poll(full);
  REQUIRE(paper.account.refilled({}, {}, paper.now));
  CHECK(poll(full).warning_level == 4);
  CHECK(poll(low).available == 4);
}

TEST_CASE("a level below its warning is a low condition, unless the device says so itself") {
  Paper paper;
  paper.poll(full);
  REQUIRE(paper.account.refilled({}, {}, paper.now));
  REQUIRE(paper.account.used(69, "metres", paper.now));
  CHECK(paper.shown().state == full);
  CHECK_FALSE(paper.account.judged());
  REQUIRE(paper.account.used(1, "metres", paper.now));
  CHECK(paper.shown().state == low);
  REQUIRE(paper.account.judged());
  CHECK(paper.account.judged()->code == "media-low");
  CHECK(paper.account.judged()->severity == wire::Severity::warning);
  CHECK(paper.account.judged()->detail == "level<=10 metres");
  paper.poll(low);
  CHECK(paper.shown().state == low);
  CHECK_FALSE(paper.account.judged());
}

TEST_CASE("an empty supply stays empty while the device says nothing of it") {
  // An F2 with a jam: its negative reply tells nothing of the stacker.
  SupplyRules cards;
  cards.type = "card_stock";
  Paper machine{cards};
  machine.poll(out_of);
  CHECK(machine.shown().state == out_of);
  const wire::Consumable silent{.type = "card_stock", .unit = "metres"};
  machine.account.seen(silent, false, machine.now);
  const auto shown = machine.account.shown(&silent, machine.now);
  CHECK(shown.available == 0.0);
  CHECK(shown.state == out_of);
  // What there was some of is not empty by that.
  machine.poll(full);
  REQUIRE(machine.account.refilled(80, 80, machine.now));
  machine.account.seen(silent, false, machine.now);
  CHECK(machine.account.shown(&silent, machine.now).state == ConsumableState::ok);
}

TEST_CASE("a level that goes to and fro at its threshold does not") {
  auto rules = toner();
  rules.warn = 10;
  Account account{rules};
  int changes = 0;
  bool was = false;
  for (const double value : {11., 10., 11., 10., 11., 10., 9., 10., 11.}) {
    const auto said = figure(value);
    account.seen(said, {}, midnight);
    account.shown(&said, midnight);
    changes += account.judged().has_value() != was ? 1 : 0;
    was = account.judged().has_value();
  }
  CHECK(changes == 1);
  const auto said = figure(40);
  account.seen(said, {}, midnight);
  account.shown(&said, midnight);
  CHECK_FALSE(account.judged());
}

TEST_CASE("the critical level counts as used up where no sensor says otherwise") {
  SupplyRules rules;
  rules.type = "card_stock";
  rules.unit = "cards";
  rules.capacity = 200;
  rules.warn = 20;
  rules.critical = 5;
  Account account{rules};
  REQUIRE(account.refilled(10, {}, midnight));
  CHECK(account.shown(nullptr, midnight).state == low);
  CHECK(account.judged()->code == "media-low");
  REQUIRE(account.used(5, "count", midnight));
  CHECK(account.shown(nullptr, midnight).state == out_of);
  CHECK(account.judged()->code == "media-empty");
  // The same figure beside a sensor that feels cards.
  auto said = flag(full);
  said.unit = "cards";
  account.seen(said, {}, midnight);
  account.shown(&said, midnight);
  CHECK(account.judged()->code == "media-low");
  rules.enabled = false;
  account.use(rules);
  CHECK_FALSE(account.shown(&said, midnight).enabled);
  CHECK_FALSE(account.judged());
}

TEST_CASE("what is a refill and what is not") {
  struct Step {
    ConsumableState state;
    std::optional<bool> open;
  };
  struct Row {
    const char* name;
    std::vector<Step> steps;
    bool refill;                  ///< found at the last step
    std::optional<double> level;  ///< after it
  };
  const std::vector<Row> rows{
      {"empty, cover opened and closed, paper",
       {{out_of, false}, {out_of, true}, {full, false}},
       true,
       80},
      {"empty, paper again though the cover never opened",
       {{out_of, false}, {full, false}},
       false,
       50},
      {"a cover opened and closed over the same roll", {{full, true}, {full, false}}, false, 50},
      {"the sensor sits in the cover: none felt while it is open",
       {{out_of, true}, {full, false}},
       false,
       50},
      {"a roll changed at its near end", {{low, false}, {low, true}, {full, false}}, true, 80},
      {"the near-end sensor chatters", {{low, false}, {full, false}}, false, 3},
      {"a begun roll put in", {{out_of, false}, {out_of, true}, {low, false}}, true, 3},
      {"no cover to see: empty, then paper at one poll", {{out_of, {}}, {full, {}}}, false, {}},
      {"no cover to see: empty, then paper", {{out_of, {}}, {full, {}}, {full, {}}}, true, 80},
      {"no cover to see: felt for a moment only",
       {{out_of, {}}, {full, {}}, {out_of, {}}, {full, {}}},
       false,
       {}},
      {"no cover to see: the near-end sensor chatters",
       {{low, {}}, {full, {}}, {low, {}}, {full, {}}},
       false,
       3},
      {"no cover to see: none felt for a moment, near its end before and after",
       {{low, {}}, {out_of, {}}, {low, {}}},
       false,
       3},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Paper paper;
    paper.poll(full, row.steps.front().open ? std::optional{false} : std::nullopt);
    REQUIRE(paper.account.refilled({}, {}, paper.now));
    REQUIRE(paper.account.used(30, "metres", paper.now));
    std::optional<Refilled> found;
    for (const auto& step : row.steps) {
      CHECK_FALSE(found);
      found = paper.poll(step.state, step.open);
    }
    CHECK(found.has_value() == row.refill);
    if (found) CHECK(found->detected);
    CHECK(paper.shown().available == row.level);
  }
}

TEST_CASE("what happened while nobody looked counts as an open cover") {
  Paper paper;
  paper.poll(full);
  paper.poll(out_of);
  paper.account.unheard();
  CHECK(paper.poll(full));
  // Through a restart too.
  Paper before;
  before.poll(full);
  before.poll(out_of);
  Account after{roll(), *kept_state(kept_text(before.account.state()))};
  CHECK(after.seen(flag(full), false, before.now));
  // Not of a near-end sensor, which goes to and fro by itself.
  Paper at_its_end;
  at_its_end.poll(full);
  at_its_end.poll(low);
  at_its_end.account.unheard();
  CHECK_FALSE(at_its_end.poll(full));
  at_its_end.poll(low);
  Account later{roll(), *kept_state(kept_text(at_its_end.account.state()))};
  CHECK_FALSE(later.seen(flag(full), false, at_its_end.now));
}

TEST_CASE("a refill told before the sensor has seen it is the one that is seen then") {
  Paper paper;
  paper.poll(full);
  paper.poll(out_of);
  paper.poll(out_of, true);
  const auto told = paper.account.refilled(60, {}, paper.now);
  REQUIRE(told);
  CHECK(told->level == 60);
  CHECK(paper.shown().available == 0);  // the sensor still feels none
  CHECK_FALSE(paper.poll(full));
  CHECK(paper.shown().available == 60);
  CHECK(paper.shown().source == LevelSource::technician);
  // One that never came: the flag holds.
  REQUIRE(paper.account.refilled({}, {}, paper.now));
  paper.poll(low);
  REQUIRE(paper.account.refilled({}, {}, paper.now));
  paper.now += 11min;
  paper.poll(low);
  CHECK(paper.shown().available == 3);
}

TEST_CASE("a figure that rises by more than a fifth is a refill, noise is not use") {
  Account account{toner()};
  WallTime now = midnight;
  const auto see = [&](double value) {
    now += 1h;
    return account.seen(figure(value), {}, now);
  };
  CHECK_FALSE(see(50));
  CHECK_FALSE(see(48));
  for (int i = 0; i < 20; ++i) {
    see(49);
    see(48);
  }
  CHECK(account.state().used == 2);
  CHECK_FALSE(see(68));  // exactly a fifth
  CHECK_FALSE(see(60));
  CHECK(account.state().used == 10);
  const auto found = see(100);
  REQUIRE(found);
  CHECK(found->before == 60);
  CHECK(found->level == 100);
  CHECK(found->used == 10);
  CHECK(account.state().used == 0);
}

TEST_CASE("a refill told of a supply that measures is the rise that comes") {
  struct Row {
    const char* name;
    std::vector<double> figures;  ///< an hour's polls after the word, five minutes apart
    bool found;                   ///< one that nobody told
    double used;
  };
  for (const auto& row : {
           Row{"seen at once", {100, 99}, false, 1},
           Row{"the old one still in, and used, meanwhile", {10, 9, 100, 98}, false, 2},
           Row{"one that was not empty, by less than a fifth", {10, 25, 24}, false, 1},
           Row{"one that never came, and another an hour later",
               {10, 10, 10, 9, 9, 9, 9, 9, 9, 9, 9, 100},
               true,
               0},
       }) {
    CAPTURE(row.name);
    Account account{toner()};
    WallTime now = midnight;
    account.seen(figure(20), {}, now);
    account.seen(figure(10), {}, now);
    const auto told = account.refilled({}, {}, now);
    REQUIRE(told);
    CHECK(told->before == 10);
    CHECK(told->level == 100);
    CHECK(told->used == 10);
    const auto refilled = account.state().refilled;
    CHECK(account.state().level == 10);  // until the device says otherwise
    bool found = false;
    for (const auto value : row.figures) {
      now += 5min;
      const auto said = figure(value);
      found = account.seen(said, {}, now).has_value() || found;
      CHECK(account.shown(&said, now).available == value);
    }
    CHECK(found == row.found);
    CHECK(account.state().used == row.used);
    CHECK((account.state().refilled == refilled) == !row.found);
    double days = 0;
    for (const auto& day : account.state().days) days += day.used;
    CHECK(days < 14);  // of what was told nothing is use
  }
}

TEST_CASE("a figure that comes no more is no level") {
  for (const bool restarted : {false, true}) {
    CAPTURE(restarted);
    Account account{toner()};
    account.seen(figure(50), {}, midnight);
    if (restarted) account = Account{toner(), *kept_state(kept_text(account.state()))};
    auto said = figure(0);
    said.available = said.percent = std::nullopt;
    said.source = LevelSource::flag;
    account.seen(said, {}, midnight + 5s);
    const auto shown = account.shown(&said, midnight + 5s);
    CHECK_FALSE(shown.available);
    CHECK_FALSE(shown.percent);
    CHECK(shown.source == LevelSource::flag);
    CHECK_FALSE(account.state().level);
    CHECK(account.state().source == LevelSource::unknown);
    account.seen(figure(49), {}, midnight + 10s);
    CHECK(account.state().level == 49);
    CHECK(account.state().source == LevelSource::measured);
  }
}

TEST_CASE("a battery's charge is a figure: no use, no refill, no forecast") {
  SupplyRules rules;
  rules.type = "battery";
  rules.warn = 30;
  AccountState kept;  // as an earlier version counted it
  kept.unit = "percent";
  kept.used = 400;
  kept.measured = 100;
  kept.level = 100;
  kept.refilled = kept.counting = midnight - std::chrono::days{9};
  kept.days = {{20'000, 80}};
  Account account{rules, kept};
  WallTime now = midnight;
  for (const double charge : {100., 60., 25., 60., 100.}) {
    CAPTURE(charge);
    now += 24h;
    const auto said = figure(charge);
    CHECK_FALSE(account.seen(said, {}, now));
    const auto shown = account.shown(&said, now);
    CHECK(shown.available == charge);
    CHECK(shown.source == LevelSource::measured);
    CHECK(account.judged().has_value() == (charge == 25));
    CHECK_FALSE(shown.refilled);
    CHECK_FALSE(shown.use_per_day_7d);
    CHECK_FALSE(shown.use_per_day_30d);
    CHECK_FALSE(shown.days_left);
  }
  CHECK_FALSE(account.shown(nullptr, now).available);
}

TEST_CASE("the counter learns how long a roll really is") {
  struct Roll {
    double used;
    bool told_amount;  ///< a begun roll
    std::optional<double> learned;
  };
  Paper paper;
  paper.poll(full);
  for (const auto& roll : {
           Roll{76, false, 76},   // the first full one
           Roll{72, false, 74},   // the mean of what was and what is
           Roll{20, true, 74},    // was not full
           Roll{200, false, 74},  // cannot be: one was changed and nobody said so
           Roll{5, false, 74},    // cannot be: use was not reported
       }) {
    CAPTURE(roll.used);
    REQUIRE(paper.account.refilled(roll.told_amount ? std::optional{25.} : std::nullopt, {},
                                   paper.now));
    for (int i = 0; i < 10; ++i) {
      REQUIRE(paper.account.used(roll.used / 10, "metres", paper.now));
    }
    paper.poll(out_of);
    CHECK(paper.account.capacity() == roll.learned);
    paper.poll(out_of, true);
    paper.poll(full);
  }
  // The next full one is counted from what was learned.
  CHECK(paper.shown().available == 74);
  // A technician's word of another kind of roll begins anew.
  REQUIRE(paper.account.refilled({}, 40, paper.now));
  CHECK(paper.shown().available == 40);
}

TEST_CASE("the near end tells the length already, the end corrects it") {
  Paper paper;
  paper.poll(full);
  REQUIRE(paper.account.refilled({}, {}, paper.now));
  REQUIRE(paper.account.used(70, "metres", paper.now));
  paper.poll(low);
  CHECK(paper.account.capacity() == 73);
  REQUIRE(paper.account.used(1, "metres", paper.now));
  CHECK(paper.shown().available == 2);
  paper.poll(out_of);
  CHECK(paper.account.capacity() == 71);
}

TEST_CASE("use is counted in the consumable's unit or not at all") {
  struct Row {
    const char* ours;
    const char* theirs;
    std::optional<double> per_use;
    std::optional<double> counted;  ///< of 4
  };
  for (const auto& row : {
           Row{"metres", "metres", {}, 4},
           Row{"metres", "pages", 0.25, 1},
           Row{"metres", "pages", {}, {}},
           Row{"sheets", "pages", {}, 4},
           Row{"cards", "count", {}, 4},
           Row{"g", "metres", 2, {}},
       }) {
    CAPTURE(row.ours);
    CAPTURE(row.theirs);
    SupplyRules rules;
    rules.type = "other";
    rules.unit = row.ours;
    rules.per_use = row.per_use;
    Account account{rules};
    const bool taken = bool(account.used(4, row.theirs, midnight));
    CHECK(taken == row.counted.has_value());
    CHECK(account.state().used == row.counted.value_or(0));
  }
  Account account{roll()};
  for (const double bad : {0., -1., 1e7, std::nan(""), HUGE_VAL}) {
    CHECK_FALSE(account.used(bad, "metres", midnight));
    CHECK_FALSE(account.refilled(bad, {}, midnight));
  }
  CHECK_FALSE(account.refilled(81, {}, midnight));
  CHECK(account.refilled(81, 90, midnight));
}

TEST_CASE("a device that measures is not counted twice") {
  Account account{toner()};
  account.seen(figure(50), {}, midnight);
  REQUIRE(account.used(10, "percent", midnight));
  CHECK(account.state().level == 50);
  account.seen(figure(49), {}, midnight);
  CHECK(account.state().used == 1);
}

TEST_CASE("days to empty: none before three days of data, then by what is used") {
  Paper paper;
  paper.poll(full);
  REQUIRE(paper.account.refilled({}, {}, paper.now));
  const auto spend = [&](double amount, Duration pause) {
    REQUIRE(paper.account.used(amount, "metres", paper.now));
    paper.now += pause;
  };
  spend(2, 24h);
  spend(2, 24h);
  spend(2, 23h);
  CHECK_FALSE(paper.shown().use_per_day_7d);
  CHECK_FALSE(paper.shown().days_left);
  paper.now += 2h;
  REQUIRE(paper.shown().use_per_day_7d);
  CHECK(*paper.shown().use_per_day_7d == doctest::Approx(2).epsilon(0.05));
  CHECK(paper.shown().days_left == 37);  // 74 at a little under 2 a day: the day has just begun
  // Within the day it does not go by itself.
  const auto told = paper.shown().days_left;
  paper.now += 10h;
  CHECK(paper.shown().days_left == told);
  // Nobody uses any: after a week the last thirty days speak, after a month nobody knows.
  paper.now += std::chrono::days{10};
  CHECK(paper.shown().use_per_day_7d == 0);
  CHECK(paper.shown().days_left.value_or(0) > 100);
  paper.now += std::chrono::days{40};
  CHECK_FALSE(paper.shown().days_left);
}

TEST_CASE("a clock that is set back or was far ahead spoils no forecast") {
  Account account{roll()};
  REQUIRE(account.refilled({}, {}, midnight));
  REQUIRE(account.used(1, "metres", midnight));
  REQUIRE(account.used(1, "metres", midnight - std::chrono::days{2}));
  CHECK(account.state().days.size() == 1);
  REQUIRE(account.used(1, "metres", midnight + std::chrono::days{3'000}));
  REQUIRE(account.used(1, "metres", midnight + std::chrono::days{1}));
  CHECK(account.state().days.size() == 2);
  for (int i = 2; i < 100; ++i) {
    REQUIRE(account.used(0.1, "metres", midnight + std::chrono::days{i}));
  }
  CHECK(account.state().days.size() == Account::days_kept);
}

TEST_CASE("what is shown moves in steps, and at once at a threshold, zero and a refill") {
  Paper paper;
  paper.poll(full);
  REQUIRE(paper.account.refilled({}, {}, paper.now));
  int shown = 1;
  auto last = paper.shown().available;
  while (*paper.account.state().level > 0.05) {
    REQUIRE(paper.account.used(0.1, "metres", paper.now));
    paper.said.state = ConsumableState::unknown;  // no near-end sensor
    const auto now = paper.shown().available;
    if (now != last) ++shown;
    last = now;
  }
  CHECK(shown > 60);
  CHECK(shown < 90);  // of 800 tickets
}

TEST_CASE("what is kept is what is read, and garbage harms nothing") {
  Paper paper;
  paper.poll(full);
  REQUIRE(paper.account.refilled({}, 77, paper.now));
  REQUIRE(paper.account.used(70.25, "metres", paper.now));
  paper.poll(low);
  const auto text = kept_text(paper.account.state());
  const auto read = kept_state(text);
  REQUIRE(read);
  CHECK(*read == paper.account.state());
  for (std::size_t end = 0; end < text.size(); ++end) {
    const auto torn = kept_state(text.substr(0, end));
    CHECK_FALSE(torn);
  }
  const auto odd = kept_state(
      R"({"unit":7,"level":-5,"source":99,"flag":-1,"days":[[1],[2,"x"],"y",[5,1.5],[3,2]],)"
      R"("learned":1e999,"used":null,"refilled":-4,"pending":true})");
  REQUIRE(odd);
  CHECK(odd->unit.empty());
  CHECK_FALSE(odd->level);
  CHECK(odd->source == LevelSource::unknown);
  CHECK(odd->days == std::vector<AccountState::Day>{{3, 2}, {5, 1.5}});
  CHECK_FALSE(odd->pending);
}
