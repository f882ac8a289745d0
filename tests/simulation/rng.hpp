#pragma once

#include <cmath>
#include <cstdint>
#include <random>

#include "common/clock.hpp"

namespace kw::simulation {

/// Drawn numbers that are the same for the same seed on every machine.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t next() { return engine_(); }
  /// 0 to n-1.
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : next() % n; }
  /// [0, 1).
  double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  bool chance(double p) { return unit() < p; }
  Duration between(Duration least, Duration most) {
    const auto span = static_cast<std::uint64_t>((most - least).count()) + 1;
    return least + Duration{static_cast<Duration::rep>(below(span))};
  }
  /// A pause of a process without memory.
  Duration exponential(Duration mean) {
    return Duration{
        static_cast<Duration::rep>(-std::log(1.0 - unit()) * static_cast<double>(mean.count()))};
  }
  /// As often between 1 s and 10 s as between 10 min and 100 min.
  Duration spread(Duration least, Duration most) {
    const double low = std::log(static_cast<double>(least.count()));
    const double high = std::log(static_cast<double>(most.count()));
    return Duration{static_cast<Duration::rep>(std::exp(low + unit() * (high - low)))};
  }

 private:
  std::mt19937_64 engine_;
};

/// From now on everything that the programs draw from the system's generator comes from `seed`.
void seed_identities(std::uint64_t seed);

}  // namespace kw::simulation
