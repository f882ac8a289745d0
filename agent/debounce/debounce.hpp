#pragma once

#include <optional>

#include "common/clock.hpp"
#include "common/wire/status.hpp"

namespace kw::agent {

/// Turns what a device says at every poll into changes of state. A status that lasts shorter than
/// the settle time (electrical chatter) is never reported, and neither is one that says the same
/// as the last reported one (`wire::same_state`).
class Debounce {
 public:
  explicit Debounce(Duration settle) : settle_(settle) {}

  /// The status when it is a change that has lasted; otherwise nothing.
  std::optional<wire::Status> observe(wire::Status seen, MonoTime now);

  /// When the device should be looked at again so that a waiting change is decided.
  std::optional<MonoTime> decides_at() const;

  /// Forgets what was reported: the next status is a change.
  void forget();

 private:
  Duration settle_;
  std::optional<wire::Status> reported_;
  std::optional<wire::Status> waiting_;
  MonoTime since_{};
};

}  // namespace kw::agent
