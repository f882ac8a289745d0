#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include "common/clock.hpp"
#include "common/wire/close_codes.hpp"

namespace kw::agent {

/// How long to wait before dialling again, with full jitter so that a fleet that lost its collector
/// in one moment does not come back in one moment.
class Backoff {
 public:
  struct Options {
    Duration first = std::chrono::seconds{1};   ///< the first pause is drawn from 0 to this
    Duration cap = std::chrono::minutes{5};     ///< no pause that we choose is longer
    Duration spread = std::chrono::minutes{1};  ///< first pause after a session that stood
  };
  Backoff(const Options& options, std::uint64_t seed);

  /// A session stands (Welcome came): failures before it count no more.
  void established();

  /// The pause before dialling again; nothing when dialling cannot help and a person is needed.
  /// `hint` is what the collector asked for in Drain or Busy; it is kept, and spread.
  std::optional<Duration> next(wire::AfterClose then, std::optional<Duration> hint);

 private:
  Duration drawn(Duration most);

  Options options_;
  std::mt19937_64 random_;
  bool stood_ = false;
  int failures_ = 0;
};

}  // namespace kw::agent
