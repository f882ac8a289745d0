#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace kw {

using Duration = std::chrono::microseconds;

/// UTC, microseconds since 1970-01-01. May jump; never used to order events.
struct WallClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WallClock, duration>;
  static constexpr bool is_steady = false;
};
using WallTime = WallClock::time_point;

/// Microseconds since boot, counted through sleep (CLOCK_BOOTTIME; QueryInterruptTime). Comparable
/// within one boot only.
struct MonoClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonoClock, duration>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonoClock::time_point;

/// The only door for time: whoever needs it is given a Clock, tests give their own.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual MonoTime mono() const = 0;
};

/// The operating system's clocks. Any thread.
class SystemClock final : public Clock {
 public:
  WallTime wall() const override;
  MonoTime mono() const override;
};

constexpr std::int64_t micros(WallTime t) { return t.time_since_epoch().count(); }
constexpr std::int64_t micros(MonoTime t) { return t.time_since_epoch().count(); }
constexpr WallTime wall_from(std::int64_t us) { return WallTime{Duration{us}}; }
constexpr MonoTime mono_from(std::int64_t us) { return MonoTime{Duration{us}}; }

/// RFC 3339 in UTC with milliseconds: "2026-11-22T06:31:05.123Z".
std::string rfc3339(WallTime t);

}  // namespace kw
