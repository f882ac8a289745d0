#include "agent/consumables/account.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "common/wire/conditions.hpp"

namespace kw::agent {
namespace {

using wire::ConsumableState;
using wire::LevelSource;

constexpr double noise = 0.02;       // of the capacity: a device's figure goes to and fro by this
constexpr double shown_step = 0.01;  // of the capacity
constexpr double largest = 1e6;
constexpr auto data_needed = std::chrono::days{3};
constexpr auto a_day = std::chrono::days{1};
constexpr auto hands_take = std::chrono::minutes{10};  // from a refill told to a flag that is over
// What a learned length may be off from the one that is known (told or configured), and from the
// last learned one: anything else was another roll, or use that nobody reported.
constexpr double least_of_nominal = 0.5;
constexpr double most_of_nominal = 1.5;
constexpr double most_of_learned = 2;

/// Natural days of Asia/Shanghai, the default of every project.
std::int64_t day_of(WallTime at) {
  const auto local = at.time_since_epoch() + std::chrono::hours{8};
  return std::chrono::floor<std::chrono::days>(local).count();
}

double days_between(WallTime from, WallTime to) {
  return std::chrono::duration<double, std::chrono::days::period>(to - from).count();
}

SupplyFlag flag_of(const wire::Consumable& said) {
  switch (said.state) {
    case ConsumableState::out:
      return SupplyFlag::out;
    case ConsumableState::low:
      return SupplyFlag::low;
    case ConsumableState::full:
    case ConsumableState::ok:
      return SupplyFlag::present;
    case ConsumableState::unknown:
      // There is some, and whether it is near its end this model cannot say.
      return said.source == LevelSource::flag ? SupplyFlag::present : SupplyFlag::none;
    default:
      return SupplyFlag::none;
  }
}

bool a_sheet_each(std::string_view unit) { return unit == "pages" || unit == "sheets"; }
bool a_piece_each(std::string_view unit) {
  return a_sheet_each(unit) || unit == "count" || unit == "cards";
}

bool usable(double amount) { return std::isfinite(amount) && amount > 0 && amount <= largest; }

std::optional<double> either(std::optional<double> first, std::optional<double> second) {
  return first ? first : second;
}

}  // namespace

Account::Account(SupplyRules rules, AccountState state)
    : rules_(std::move(rules)), state_(std::move(state)) {
  unheard();
}

void Account::use(SupplyRules rules) {
  rules_ = std::move(rules);
  condition_.reset();
}

void Account::unheard() {
  const bool at_its_end = state_.flag == SupplyFlag::low || state_.flag == SupplyFlag::out;
  if (at_its_end) state_.opened = true;
}

std::optional<double> Account::nominal() const {
  return either(state_.told,
                rules_.unit.empty() || rules_.unit == state_.unit ? rules_.capacity : std::nullopt);
}

std::optional<double> Account::capacity() const {
  const auto known = nominal();
  if (state_.learned) {
    const bool fits = !known || (*state_.learned >= *known * least_of_nominal &&
                                 *state_.learned <= *known * most_of_nominal);
    if (fits) return state_.learned;
  }
  return either(known, device_capacity_);
}

std::optional<double> Account::near_end() const {
  return either(rules_.near_end, device_near_end_);
}

/// How many thresholds this is at or below.
int Account::below(double level) const {
  return (rules_.warn && level <= *rules_.warn ? 1 : 0) +
         (rules_.critical && level <= *rules_.critical ? 1 : 0);
}

double Account::step() const { return std::max(1.0, capacity().value_or(0) * shown_step); }

/// What was counted in another unit says nothing in this one.
void Account::adopt_unit(const wire::Consumable& said) {
  auto unit = rules_.unit;
  if (unit.empty()) unit = said.unit;
  if (unit.empty() && said.percent) unit = "percent";
  if (unit.empty() || unit == state_.unit) return;
  if (!state_.unit.empty()) {
    const auto flag = state_.flag;
    state_ = {};
    state_.flag = flag;
  }
  state_.unit = unit;
}

std::optional<double> Account::figure_of(const wire::Consumable& said) const {
  if (said.source == LevelSource::flag || said.source == LevelSource::unknown) return std::nullopt;
  if (said.available && said.unit == state_.unit) return said.available;
  if (!said.percent) return std::nullopt;
  if (state_.unit == "percent") return said.percent;
  const auto whole = nominal();
  return whole ? std::optional{*said.percent / 100 * *whole} : std::nullopt;
}

void Account::count(double amount, WallTime now) {
  if (!state_.counting) state_.counting = now;
  state_.used += amount;
  const auto today = day_of(now);
  auto& days = state_.days;
  // A clock that was set back books on the last day; days that are still to come were a mistake.
  while (!days.empty() && days.back().day > today + 1) days.pop_back();
  if (days.empty() || days.back().day < today) days.push_back({today, 0});
  days.back().used += amount;
  if (days.size() > days_kept) days.erase(days.begin());
}

Refilled Account::refill(std::optional<double> level, bool detected, WallTime now) {
  Refilled out;
  out.detected = detected;
  out.before = state_.level;
  out.used = state_.used;
  state_.level = level;
  state_.source = !level     ? LevelSource::unknown
                  : detected ? LevelSource::counted
                             : LevelSource::technician;
  state_.used = 0;
  state_.refilled = now;
  state_.learned_before = state_.learned;
  state_.before_out.reset();
  state_.low = false;
  state_.opened = false;
  shown_level_.reset();
  out.level = level;
  out.capacity = capacity();
  out.unit = state_.unit;
  return out;
}

void Account::learn(double length) {
  if (!state_.whole || state_.used <= 0) return;
  const auto known = nominal();
  const auto before = state_.learned_before;
  if (known) {
    if (length < *known * least_of_nominal || length > *known * most_of_nominal) return;
  } else if (before && (length * most_of_learned < *before || length > *before * most_of_learned)) {
    return;
  }
  state_.learned = before ? (*before + length) / 2 : length;
}

// ---- what the device says ---------------------------------------------------------------------

std::optional<Refilled> Account::seen(const wire::Consumable& said, std::optional<bool> cover_open,
                                      WallTime now) {
  adopt_unit(said);
  device_near_end_ = said.unit == state_.unit ? said.warning_level : std::nullopt;
  device_capacity_ = said.unit == state_.unit ? said.capacity : std::nullopt;
  if (!device_capacity_ && state_.unit == "percent") device_capacity_ = 100;
  if (const auto figure = figure_of(said)) {
    state_.flag = flag_of(said);
    return seen_figure(*figure, said.source, now);
  }
  state_.measured.reset();
  return seen_flag(flag_of(said), cover_open, now);
}

std::optional<Refilled> Account::seen_figure(double figure, LevelSource source, WallTime now) {
  if (!state_.counting) state_.counting = now;
  const auto before = std::exchange(state_.level, figure);
  state_.source = source;
  if (!state_.measured || !before) {
    state_.measured = figure;
    return std::nullopt;
  }
  const auto all = capacity();
  if (figure - *before > jump * all.value_or(*before)) {
    state_.level = before;
    auto out = refill(figure, true, now);
    state_.source = source;
    state_.measured = figure;
    state_.whole = true;
    return out;
  }
  // It may go to and fro by its own noise: a fall counts once only.
  const auto fall = *state_.measured - figure;
  if (fall > 0) count(fall, now);
  if (fall > 0 || -fall > std::max(1.0, noise * all.value_or(0))) state_.measured = figure;
  return std::nullopt;
}

/// The counter was right or wrong: nothing is left.
void Account::ran_out() {
  state_.before_out = state_.level;
  learn(state_.used);
  state_.level = 0;
  state_.source = LevelSource::flag;
  state_.opened = false;
}

void Account::near_the_end() {
  const auto near_by = near_end();
  state_.opened = false;
  if (!near_by) return;
  learn(state_.used + *near_by);
  state_.level = state_.level ? std::min(*state_.level, *near_by) : *near_by;
  state_.source = LevelSource::flag;
}

std::optional<Refilled> Account::seen_flag(SupplyFlag flag, std::optional<bool> cover_open,
                                           WallTime now) {
  if (flag == SupplyFlag::none) return std::nullopt;
  const auto before = state_.flag;
  const bool at_its_end = before == SupplyFlag::low || before == SupplyFlag::out;
  if (cover_open.value_or(false)) {
    // Somebody's hands are in it: what the sensor says now is no word about the roll.
    if (at_its_end) state_.opened = true;
    return std::nullopt;
  }
  const bool changed = std::exchange(state_.flag, flag) != flag;
  if (state_.pending && (changed || now - *state_.refilled > hands_take)) {
    state_.pending = false;
    if (changed && flag == SupplyFlag::present) {
      state_.opened = false;
      return std::nullopt;  // that is the refill which was told
    }
    if (!changed) state_.whole = false;  // what was told has not come
    if (!changed && flag == SupplyFlag::low) near_the_end();
    if (!changed && flag == SupplyFlag::out) ran_out();
  }
  if (!changed) return std::nullopt;
  if (flag == SupplyFlag::out) {
    ran_out();
    return std::nullopt;
  }
  const bool filled = at_its_end && (state_.opened || !cover_open);
  if (filled && (flag == SupplyFlag::present || before == SupplyFlag::out)) {
    auto level = capacity();
    const auto near_by = near_end();
    if (flag == SupplyFlag::low) level = near_by;  // a roll that had been begun
    auto out = refill(level, true, now);
    state_.whole = flag == SupplyFlag::present;
    return out;
  }
  if (before == SupplyFlag::out) {  // the paper was only not felt for a moment
    state_.learned = state_.learned_before;
    state_.level = std::exchange(state_.before_out, std::nullopt);
    state_.source = state_.level ? LevelSource::counted : LevelSource::unknown;
  } else if (flag == SupplyFlag::low) {
    near_the_end();
  }
  return std::nullopt;
}

// ---- what people and applications say ---------------------------------------------------------

Result<void> Account::used(double amount, const std::string& unit, WallTime now) {
  if (!usable(amount)) return Error{Errc::invalid, "amount"};
  if (state_.unit.empty()) state_.unit = rules_.unit.empty() ? unit : rules_.unit;
  auto in_our_unit = amount;
  const auto& ours = state_.unit;
  const bool same = unit == ours || (a_piece_each(unit) && a_piece_each(ours));
  if (!same) {
    if (!a_piece_each(unit) || !rules_.per_use) return Error{Errc::invalid, "unit"};
    in_our_unit = amount * *rules_.per_use;
  }
  if (state_.measured) return {};  // the device's own figure falls by it
  count(in_our_unit, now);
  if (!state_.level) return {};
  state_.level = std::max(0.0, *state_.level - in_our_unit);
  state_.source = LevelSource::counted;
  return {};
}

Result<Refilled> Account::refilled(std::optional<double> amount, std::optional<double> capacity_now,
                                   WallTime now) {
  if ((amount && !usable(*amount)) || (capacity_now && !usable(*capacity_now))) {
    return Error{Errc::invalid, "amount"};
  }
  const auto all = either(capacity_now, capacity());
  if (amount && all && *amount > *all) return Error{Errc::invalid, "too-much"};
  if (state_.unit.empty()) state_.unit = rules_.unit;
  if (capacity_now) {
    state_.told = capacity_now;
    state_.learned.reset();
  }
  auto out = refill(either(amount, all), false, now);
  state_.whole = !amount || (all && *amount == *all);
  state_.pending = state_.flag == SupplyFlag::low || state_.flag == SupplyFlag::out;
  if (state_.measured) state_.measured = state_.level;
  return out;
}

std::optional<double> Account::use_per_day(int days, WallTime now) const {
  if (!state_.counting || now - *state_.counting < data_needed) return std::nullopt;
  const auto today = day_of(now);
  double sum = 0;
  for (const auto& day : state_.days) {
    if (day.day > today - days && day.day <= today) sum += day.used;
  }
  const auto local = now.time_since_epoch() + std::chrono::hours{8};
  const auto into_today = local - std::chrono::floor<std::chrono::days>(local);
  const double window = (days - 1) + std::chrono::duration<double>(into_today) / a_day;
  return sum / std::min(window, days_between(*state_.counting, now));
}

// ---- what is shown ----------------------------------------------------------------------------

wire::Consumable Account::shown(const wire::Consumable* said, WallTime now) {
  wire::Consumable out;
  if (said != nullptr) out = *said;
  out.type = rules_.type;
  out.enabled = rules_.enabled;
  out.unit = state_.unit;
  out.capacity = capacity();
  if (rules_.warn) out.warning_level = rules_.warn;
  auto level = state_.level;
  auto source = state_.source;
  const bool device_counts = source == LevelSource::measured || state_.measured;
  const auto near_by = near_end();
  if (said == nullptr && device_counts) level.reset();  // its figure was of another hour
  if (said != nullptr && flag_of(*said) == SupplyFlag::out) {
    level = 0;
    source = LevelSource::flag;
  } else if (level && near_by && !device_counts && said != nullptr && !state_.pending) {
    // The sensor knows better than the counter.
    const bool tells_low =
        said->state == ConsumableState::full || said->state == ConsumableState::ok;
    if (tells_low && *level < *near_by) {
      level = near_by;
      source = LevelSource::flag;
    }
  }
  // The counter's figure is told in steps: not every ticket is a change of state.
  if (level && !device_counts) {
    const bool moved = !shown_level_ || std::abs(*shown_level_ - *level) >= step() || *level <= 0;
    if (moved || below(*shown_level_) != below(*level)) shown_level_ = level;
    level = shown_level_;
  } else {
    shown_level_.reset();
  }
  out.available = level;
  out.percent.reset();
  if (level && out.capacity) out.percent = std::min(100.0, *level / *out.capacity * 100);
  if (level) {
    out.source = source;
  } else if (said == nullptr || !device_counts) {
    out.source = said == nullptr ? LevelSource::unknown : said->source;
  }
  judge(out, said);
  out.use_per_day_7d = use_per_day(7, now);
  out.use_per_day_30d = use_per_day(30, now);
  out.refilled = state_.refilled;
  // Told anew once a day, and when the level is: it must not make a change of state by itself.
  const auto use = out.use_per_day_7d.value_or(0) > 0 ? out.use_per_day_7d : out.use_per_day_30d;
  const bool known = level && use && *use > 0;
  const auto today = day_of(now);
  if (!known) {
    shown_days_.reset();
  } else if (!shown_days_ || shown_on_ != today || level != shown_for_) {
    shown_days_ = std::floor(*level / *use);
  }
  shown_on_ = today;
  shown_for_ = level;
  out.days_left = shown_days_;
  return out;
}

/// Below a threshold the level speaks, unless the device itself does.
void Account::judge(wire::Consumable& out, const wire::Consumable* said) {
  condition_.reset();
  const bool own_unit = rules_.unit.empty() || rules_.unit == state_.unit;
  const bool spoken = said != nullptr && out.state != ConsumableState::unknown &&
                      out.state != ConsumableState::full && out.state != ConsumableState::ok;
  if (!rules_.enabled || !own_unit || !out.available || spoken) {
    if (!spoken) state_.low = false;
    return;
  }
  const auto level = *out.available;
  const bool senses = said != nullptr && flag_of(*said) == SupplyFlag::present &&
                      !(state_.measured && out.source == LevelSource::measured);
  if (rules_.critical && level <= *rules_.critical && !senses) {
    out.state = ConsumableState::out;
    condition_ = wire::condition(*wire::find_condition(empty_code(out.type)), {},
                                 fmt::format("{}{:g} {}", by_level, *rules_.critical, state_.unit));
  } else if (rules_.warn && level <= *rules_.warn + (state_.low ? step() : 0)) {
    state_.low = true;
    out.state = ConsumableState::low;
    condition_ = wire::condition(*wire::find_condition(low_code(out.type)), {},
                                 fmt::format("{}{:g} {}", by_level, *rules_.warn, state_.unit));
  } else {
    state_.low = false;
    if (out.state == ConsumableState::unknown) out.state = ConsumableState::ok;
  }
}

}  // namespace kw::agent
