#pragma once

#include <optional>

#include "agent/poll/device_result.hpp"
#include "common/result.hpp"
#include "common/wire/status.hpp"

namespace kw::agent {

/// What business applications report of one device, held against what its polls find. Pure; its
/// thread is the device's worker.
///
/// - A poll that gets through wins: the status is the device's own, as long as polls do.
/// - While the port is busy, a report that has not aged out is the status; while the device gives
///   no reply, only one that is later than the first miss and says that the device worked (an
///   application that holds a printer's only connection makes it look silent). A failure explains
///   no silence: `no-reply` stands.
/// - A port that is not there, or another device on it, is never explained away by a report.
/// - The last `failures` results in a row bad: the condition `results-failing`. A fault where
///   reports are all that is known; beside a poll that gets through, a warning: the device finds
///   itself well, and its users do not. It keeps the words of the result that completed the row.
///   One good result, or age, ends it.
class Reported {
 public:
  struct Limits {
    Duration age = std::chrono::minutes{15};  ///< an older report says nothing
    int failures = 3;                         ///< in a row
  };

  explicit Reported(const Limits& limits) : limits_(limits) {}

  /// One result; one from the future counts as of `now`, one older than the last is ignored.
  void add(DeviceResult result, MonoTime now);

  /// The status while the device is missed for `why` since `missed_since`; nothing when no report
  /// stands for it. `heard`: what the device itself said last: its warnings stay, and its faults
  /// too unless the application has worked with it since; of levels those that are near an end.
  std::optional<wire::Status> stands_for(Errc why, MonoTime missed_since,
                                         const std::optional<wire::Status>& heard,
                                         MonoTime now) const;

  /// What is added to the status of a poll that got through.
  std::optional<wire::Condition> beside_poll(MonoTime now) const;

  /// When the last report that has not aged out was made.
  std::optional<MonoTime> last(MonoTime now) const;

  /// Whether the last result, unless it has aged out, is that the device worked.
  bool worked(MonoTime now) const;

 private:
  Limits limits_;
  std::optional<DeviceResult> last_;
  int failed_ = 0;                          ///< in a row, at most as many as count
  std::optional<wire::Condition> failing_;  ///< as the result said that completed the row
};

}  // namespace kw::agent
