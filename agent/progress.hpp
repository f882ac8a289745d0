#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "common/clock.hpp"

namespace kw::agent {

/// How far the poller has come.
struct PollProgress {
  std::size_t ports = 0;  ///< with a worker; 0: nothing to poll
  std::size_t stuck = 0;  ///< of these
  /// When a worker that is not stuck last ended a look at a device, answered or not.
  MonoTime last{};
  Duration limit{};  ///< such a look ends at least this often while workers work
};

/// Whether the agent moves. Decided by progress alone: a process whose threads merely exist is
/// hung. The io loop's progress is that somebody asks.
class Progress {
 public:
  /// `patience`: how long a part may take before it counts as standing still.
  explicit Progress(Duration patience) : patience_(patience) {}

  /// The outbox's thread was given a question; not before it has answered the last one.
  void asked(MonoTime now) { asked_ = now; }
  /// It answered.
  void answered() { asked_.reset(); }
  bool waiting() const { return asked_.has_value(); }

  /// What stands still, "outbox" or "poll"; nothing when all moves.
  std::optional<std::string_view> stalled(const PollProgress& poll, MonoTime now) const;

 private:
  Duration patience_;
  std::optional<MonoTime> asked_;
};

}  // namespace kw::agent
