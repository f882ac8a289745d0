#pragma once

#include <algorithm>
#include <cstdint>

#include "common/clock.hpp"

namespace kw::agent {

/// How many events a second are taken in the long run, ten seconds' worth (at least 100) at once.
/// Pure: time is given.
class Rate {
 public:
  explicit Rate(std::uint32_t per_second)
      : per_second_(per_second), most_(std::max(100.0, 10.0 * per_second)), left_(most_) {}

  /// Takes `cost`; false: too many came, nothing is taken.
  bool take(double cost, MonoTime now) {
    const auto passed = static_cast<double>((now - at_).count()) / 1e6;
    left_ = std::min(most_, left_ + std::max(0.0, passed) * per_second_);
    at_ = now;
    if (cost > left_) return false;
    left_ -= cost;
    return true;
  }
  /// Seconds until `cost` may be taken.
  std::int64_t wait_s(double cost) const {
    const double missing = std::max(0.0, cost - left_);
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(missing / per_second_ + 0.999));
  }

 private:
  double per_second_;
  double most_;
  double left_;
  MonoTime at_{};
};

}  // namespace kw::agent
