#include "agent/consumables/account.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/consumables/account_parts.hpp"

namespace kw::agent {
namespace {

using wire::ConsumableState;
using wire::LevelSource;

constexpr double noise = 0.02;  // of the capacity: a device's figure goes to and fro by this
constexpr double largest = 1e6;
constexpr auto hands_take = std::chrono::minutes{10};  // from a refill told to a flag that is over
// What a learned length may be off from the one that is known (told or configured), and from the
// last learned one: anything else was another roll, or use that nobody reported.
constexpr double least_of_nominal = 0.5;
constexpr double most_of_nominal = 1.5;
constexpr double most_of_learned = 2;

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
  adopt_unit(rules_.unit);
  unheard();
}

void Account::use(SupplyRules rules) {
  rules_ = std::move(rules);
  adopt_unit(rules_.unit);
  condition_.reset();
}

void Account::unheard() {
  // A near-end sensor may chatter: of that alone nobody knows that hands were in it.
  if (state_.flag == SupplyFlag::out) state_.opened = true;
  felt_once_ = false;
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

/// What was counted in another unit says nothing in this one.
void Account::adopt_unit(const std::string& unit) {
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
  if (rules_.unit.empty()) {
    adopt_unit(said.unit.empty() && said.percent ? "percent" : said.unit);
  }
  device_near_end_ = said.unit == state_.unit ? said.warning_level : std::nullopt;
  device_capacity_ = said.unit == state_.unit ? said.capacity : std::nullopt;
  if (!device_capacity_ && state_.unit == "percent") device_capacity_ = 100;
  if (figure_only(rules_.type)) {
    show_only(figure_of(said), said.source);
    return std::nullopt;
  }
  if (const auto figure = figure_of(said)) {
    state_.flag = flag_of(said);
    return seen_figure(*figure, said.source, now);
  }
  if (state_.measured || state_.source == LevelSource::measured) {
    state_.level.reset();  // what the device measured once is no level of now
    state_.source = LevelSource::unknown;
  }
  state_.measured.reset();
  return seen_flag(flag_of(said), cover_open, now);
}

void Account::show_only(std::optional<double> figure, LevelSource source) {
  AccountState now;
  now.unit = state_.unit;
  now.low = state_.low;
  now.level = figure;
  now.source = figure ? source : LevelSource::unknown;
  state_ = std::move(now);
}

std::optional<Refilled> Account::seen_figure(double figure, LevelSource source, WallTime now) {
  if (!state_.counting) state_.counting = now;
  const auto before = std::exchange(state_.level, figure);
  state_.source = source;
  if (!state_.measured || !before) {
    state_.measured = figure;
    state_.pending = false;
    return std::nullopt;
  }
  const auto all = capacity();
  const auto least_rise = std::max(1.0, noise * all.value_or(0));
  if (state_.pending && figure - *state_.measured > least_rise) {
    state_.pending = false;  // that is the refill which was told
    state_.used = 0;
    state_.measured = figure;
    return std::nullopt;
  }
  if (state_.pending && now - *state_.refilled > hands_take) {
    state_.pending = false;
    state_.whole = false;  // what was told has not come
  }
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
  if (fall > 0 || -fall > least_rise) state_.measured = figure;
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
    felt_once_ = false;
    return std::nullopt;
  }
  const bool felt_before = std::exchange(felt_once_, false);
  const bool some_again = before == SupplyFlag::out && flag == SupplyFlag::present;
  if (some_again && !cover_open && !state_.pending && !felt_before) {
    felt_once_ = true;  // without a cover to see, the next poll must say so too
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
  const bool filled = cover_open ? at_its_end && state_.opened : some_again;
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
  if (state_.unit.empty()) state_.unit = unit;
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
  if (capacity_now) {
    state_.told = capacity_now;
    state_.learned.reset();
  }
  const auto level = state_.level;
  const auto source = state_.source;
  auto out = refill(either(amount, all), false, now);
  state_.whole = !amount || (all && *amount == *all);
  state_.pending =
      state_.measured || state_.flag == SupplyFlag::low || state_.flag == SupplyFlag::out;
  if (state_.measured) {  // the device's own figure rises by it, now or when it next looks
    state_.level = level;
    state_.source = source;
  }
  return out;
}

}  // namespace kw::agent
