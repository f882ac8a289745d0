#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/consumables/rules.hpp"
#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/wire/status.hpp"

namespace kw::agent {

/// What a device's own sensor says of a supply; `none`: it has none, or was not heard.
enum class SupplyFlag : std::uint8_t { none, present, low, out };

/// What is remembered of one consumable through restarts. Figures are in `unit`.
struct AccountState {
  struct Day {
    std::int64_t day = 0;  ///< natural days of Asia/Shanghai since 1970
    double used = 0;
    bool operator==(const Day&) const = default;
  };
  std::string unit;
  std::optional<double> level;
  wire::LevelSource source = wire::LevelSource::unknown;  ///< of `level`
  std::optional<double> measured;        ///< what falls of the device's own figure are counted from
  std::optional<double> told;            ///< capacity, by the technician
  std::optional<double> learned;         ///< capacity, from a full refill to the device's flag
  std::optional<double> learned_before;  ///< what it was at the last refill
  double used = 0;                       ///< since the last refill
  bool whole = false;  ///< that refill was a full one, and all use since is counted
  std::optional<WallTime> refilled;
  bool pending =
      false;  ///< refilled by hand: the flag's next change, or the figure's next rise, is that
  std::optional<WallTime> counting;  ///< since when use is known
  std::vector<Day> days;             ///< oldest first, at most `days_kept`
  SupplyFlag flag = SupplyFlag::none;
  bool opened = false;  ///< the cover was since the flag came; of `out`: or nobody looked
  std::optional<double> before_out;  ///< the level before the flag said that there is none
  bool low = false;                  ///< judged by level
  bool operator==(const AccountState&) const = default;
};

/// A refill that was told or found.
struct Refilled {
  bool detected = false;
  std::optional<double> before;    ///< level
  std::optional<double> level;     ///< now
  std::optional<double> capacity;  ///< now
  double used = 0;                 ///< since the refill before
  std::string unit;
};

/// The level of one consumable, by everything that is known: the device's figure where it gives
/// one, its flags, which override counts, the count of use, the technician's word. Pure.
///
/// Unknown stays unknown: without a figure, a flag that says how much, or a refill of a known
/// amount there is no level.
class Account {
 public:
  static constexpr std::size_t days_kept = 31;
  static constexpr double jump = 0.2;  ///< of the capacity: a rise by more is a refill

  explicit Account(SupplyRules rules, AccountState state = {});

  /// What the device said of it at a poll. `cover_open`: nothing when it cannot say.
  std::optional<Refilled> seen(const wire::Consumable& said, std::optional<bool> cover_open,
                               WallTime now);
  /// Nothing is heard of the device: what happens meanwhile is not seen.
  void unheard();

  /// So much was used, as an application reports it. Errc::invalid: not a positive number, or in a
  /// unit that cannot be converted. Counts nothing while the device itself measures.
  Result<void> used(double amount, const std::string& unit, WallTime now);

  /// The technician has refilled it: it holds `amount` now, or is full; of a capacity that is
  /// another one now, if given. Errc::invalid for figures that cannot be.
  Result<Refilled> refilled(std::optional<double> amount, std::optional<double> capacity,
                            WallTime now);

  /// As it is reported: `said` is the device's own word at a poll that got through, or null.
  wire::Consumable shown(const wire::Consumable* said, WallTime now);
  /// The condition of the level that was shown last; nothing where the device's own flag says it.
  std::optional<wire::Condition> judged() const { return condition_; }

  const AccountState& state() const { return state_; }
  const SupplyRules& rules() const { return rules_; }
  /// Other rules are in force.
  void use(SupplyRules rules);

  std::optional<double> capacity() const;
  /// Mean over the last `days` days, today's part included; nothing before three days of data.
  std::optional<double> use_per_day(int days, WallTime now) const;

 private:
  void adopt_unit(const std::string& unit);
  std::optional<double> figure_of(const wire::Consumable& said) const;
  void show_only(std::optional<double> figure, wire::LevelSource source);
  std::optional<Refilled> seen_figure(double figure, wire::LevelSource source, WallTime now);
  std::optional<Refilled> seen_flag(SupplyFlag flag, std::optional<bool> cover_open, WallTime now);
  void ran_out();
  void near_the_end();
  void count(double amount, WallTime now);
  void learn(double length);
  Refilled refill(std::optional<double> level, bool detected, WallTime now);
  std::optional<double> near_end() const;
  std::optional<double> nominal() const;
  double step() const;
  int below(double level) const;
  void judge(wire::Consumable& out, const wire::Consumable* said);

  SupplyRules rules_;
  AccountState state_;
  std::optional<double> device_capacity_;
  std::optional<double> device_near_end_;
  bool felt_once_ = false;  ///< some again after none, where no cover is reported
  std::optional<double> shown_level_;
  std::optional<double> shown_days_;
  std::optional<double> shown_for_;  ///< the level that `shown_days_` was told for
  std::int64_t shown_on_ = 0;
  std::optional<wire::Condition> condition_;
};

}  // namespace kw::agent
