#pragma once

#include <array>
#include <cstdint>

#include "common/clock.hpp"

namespace kw::fleet {

/// How long something took, for any number of times: 32 steps to each power of two, so a figure
/// read from it is at most 3.2 % too long. Microseconds; what is longer than an hour counts as one.
class Histogram {
 public:
  void add(Duration took);
  std::uint64_t count() const { return count_; }
  /// The time within which this part (0 to 1) of all ended; 0 while there are none.
  Duration within(double part) const;
  Duration longest() const { return longest_; }

 private:
  static constexpr int steps = 32;
  static constexpr int powers = 32;
  std::array<std::uint64_t, steps * powers> at_{};
  std::uint64_t count_ = 0;
  Duration longest_{};
};

}  // namespace kw::fleet
