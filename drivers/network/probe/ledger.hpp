#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "common/clock.hpp"

namespace kw::drivers::network {

/// What became of the probes of one target: the last few say whether it is up, a day of them
/// whether it keeps the standard's limits (6.2.1.2: mean latency <= 50 ms, loss < 0.5 %). Sums and
/// counts a minute, never means of means.
class Ledger {
 public:
  /// One of 200 is 0.5 %: fewer than this many probes decide nothing (spec, section 7).
  static constexpr std::uint32_t enough = 600;
  static constexpr Duration day = std::chrono::hours{24};
  /// This many in a row without an answer: down. As many with one: up again.
  static constexpr int in_a_row = 3;
  static constexpr std::size_t shortly = 20;

  struct Sums {
    std::uint32_t sent = 0;
    std::uint32_t lost = 0;
    std::int64_t rtt_us = 0;  ///< of those that were answered
    std::int64_t most_us = 0;

    double loss_percent() const { return sent == 0 ? 0 : 100.0 * lost / sent; }
    std::optional<double> mean_ms() const;
  };

  enum class State { unknown, up, down };

  /// Notes one probe: how long its answer took, or nothing for a lost one.
  void note(MonoTime at, std::optional<Duration> rtt);

  /// unknown until as many probes as it takes agree.
  State state() const { return state_; }
  /// The last `shortly` probes.
  Sums lately() const;
  /// The last 24 h; nothing while there are fewer than `enough`.
  std::optional<Sums> over_a_day() const;

 private:
  struct Minute {
    std::int64_t number = 0;
    Sums sums;
  };
  static void add(Sums& to, std::optional<Duration> rtt);

  std::deque<std::optional<Duration>> last_;
  std::deque<Minute> minutes_;
  State state_ = State::unknown;
  int run_ = 0;  ///< how many in a row went as the last: answered above 0, lost below
};

}  // namespace kw::drivers::network
