#pragma once

#include "common/clock.hpp"

namespace kw {

/// A clock that stands still until a test moves it.
class ManualClock : public Clock {
 public:
  explicit ManualClock(WallTime wall = wall_from(1'780'000'000'000'000),
                       MonoTime mono = mono_from(0))
      : wall_(wall), mono_(mono) {}

  WallTime wall() const override { return wall_; }
  MonoTime mono() const override { return mono_; }

  /// Moves the wall clock alone, forward or back: somebody set it.
  void set(WallTime wall) { wall_ = wall; }
  /// Lets time pass on both.
  void advance(Duration by) {
    wall_ += by;
    mono_ += by;
  }

 private:
  WallTime wall_;
  MonoTime mono_;
};

}  // namespace kw
