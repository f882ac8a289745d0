// What of an account is shown: level, forecast, and the condition that its thresholds make.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "agent/consumables/account_parts.hpp"
#include "agent/outbox/types.hpp"
#include "common/wire/conditions.hpp"

namespace kw::agent {
namespace {

using wire::ConsumableState;
using wire::LevelSource;

constexpr double shown_step = 0.01;  // of the capacity
constexpr auto data_needed = std::chrono::days{3};
constexpr auto a_day = std::chrono::days{1};

double days_between(WallTime from, WallTime to) {
  return std::chrono::duration<double, std::chrono::days::period>(to - from).count();
}

}  // namespace

std::int64_t day_of(WallTime at) {
  const auto local = at.time_since_epoch() + std::chrono::hours{8};
  return std::chrono::floor<std::chrono::days>(local).count();
}

bool figure_only(std::string_view type) {
  return type == "battery" || type.starts_with("battery_");
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

/// How many thresholds this is at or below.
int Account::below(double level) const {
  return (rules_.warn && level <= *rules_.warn ? 1 : 0) +
         (rules_.critical && level <= *rules_.critical ? 1 : 0);
}

double Account::step() const { return std::max(1.0, capacity().value_or(0) * shown_step); }

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
  if (felt_once_) level.reset();  // not none any more, and how much is not known yet
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
    // A machine that is silent about its stock has no more than when it last told.
    const bool some = senses || level > 0;
    if (out.state == ConsumableState::unknown) {
      out.state = some ? ConsumableState::ok : ConsumableState::out;
    }
  }
}

}  // namespace kw::agent
