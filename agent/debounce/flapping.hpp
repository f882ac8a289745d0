#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/clock.hpp"
#include "common/wire/status.hpp"

namespace kw::agent {

/// Holds back a device whose trouble comes and goes: a loose plug, a sensor at its edge. While it
/// is held, the worst of everything seen is reported once, with the condition `flapping`, so that
/// one fault stands instead of one for each turn; when it has been calm for a while, the truth is.
///
/// A change counts when the health class (no trouble, warning, fault) or the set of conditions is
/// another one. Levels, media and a port that is busy for a moment never count, nor do conditions
/// that citizens cause by using the device as it is meant to be used.
class Flapping {
 public:
  struct Limits {
    int changes = 6;  ///< so many within `window` begin a hold; 0: never
    Duration window = std::chrono::minutes{10};
    Duration calm = std::chrono::minutes{2};  ///< without a change that counts, ends it
  };
  struct Ended {
    wire::Status truth;
    std::int64_t held_back = 0;  ///< changes that were not reported as such
  };

  explicit Flapping(const Limits& limits) : limits_(limits) {}

  /// A change of state that debounce let through: the status to report, if any.
  std::optional<wire::Status> changed(wire::Status status, MonoTime now);

  /// At every look at the device: the end of the hold, when it is over.
  std::optional<Ended> calm(MonoTime now);

  bool held() const { return held_.has_value(); }

  /// Something else was reported in the device's name: the next change is reported in any case.
  void forget() { told_ = false; }

 private:
  bool counts(const wire::Status& status) const;
  bool too_many(MonoTime now);
  wire::Status marked(wire::Status status) const;

  Limits limits_;
  std::optional<wire::Status> truth_;  ///< the last change as it was
  std::optional<wire::Status> heard_;  ///< the last one that the device itself had a part in
  std::optional<wire::Status> held_;   ///< what stands in its place
  std::vector<MonoTime> changes_;      ///< that count, within the window
  MonoTime last_change_{};
  std::int64_t held_back_ = 0;
  bool told_ = true;
};

}  // namespace kw::agent
