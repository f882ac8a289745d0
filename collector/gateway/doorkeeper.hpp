#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>

#include "common/clock.hpp"

namespace kw::collector {

/// Decides who is asked to come again later. Pure; sessions that stand are never its matter.
///
/// Shut while there are too many sessions, or while the writer is too far behind (then until it has
/// caught up with a quarter of its bound, so that the door does not flap). Those who are sent away
/// are told to come back spread over as long as letting them all in takes.
class Doorkeeper {
 public:
  struct Limits {
    std::size_t sessions = 120'000;
    std::size_t jobs = 50'000;                   ///< waiting for the writer
    std::size_t bytes = 64ULL * 1024 * 1024;     ///< the same, in memory
    Duration behind = std::chrono::seconds{20};  ///< age of the oldest job
    double per_second = 500;                     ///< sessions that one core lets in
    Duration least = std::chrono::seconds{5};    ///< no hint is shorter
    Duration most = std::chrono::minutes{5};     ///< no hint is longer
  };
  struct Load {
    std::size_t sessions = 0;
    std::size_t jobs = 0;
    std::size_t bytes = 0;
    Duration behind{};
  };

  explicit Doorkeeper(const Limits& limits) : limits_(limits) {}

  /// When somebody at the door should come again; nothing: come in. `drawn`: 0 to 1.
  std::optional<Duration> turn_away(const Load& load, double drawn);

  /// From now on everybody is turned away, for at least this long.
  void shut(Duration retry_after) { shut_for_ = retry_after; }
  bool is_shut() const { return shut_for_.has_value(); }

  /// A hint of at least `least`, one of `crowd` that are to come back.
  Duration hint(Duration least, std::size_t crowd, double drawn) const;
  /// No hint of at least `least` is longer.
  Duration longest(Duration least) const { return std::max(least, limits_.most); }

 private:
  Limits limits_;
  std::optional<Duration> shut_for_;
  bool behind_ = false;     ///< the writer was past its bound and has not caught up yet
  std::size_t turned_ = 0;  ///< turned away since the door was last open
};

}  // namespace kw::collector
