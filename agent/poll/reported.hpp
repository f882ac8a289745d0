#pragma once

#include <optional>

#include "agent/poll/device_result.hpp"
#include "agent/result_limits.hpp"
#include "common/result.hpp"
#include "common/wire/status.hpp"

namespace kw::agent {

/// What business applications report of one device, held against what its polls find. Pure; its
/// thread is the device's worker.
///
/// - A poll that gets through wins: the status is the device's own, as long as polls do. One that
///   sees no more than that the device is there says nothing of how it does: reports say that.
/// - While the port is busy, a report that has not aged out is the status; while the device gives
///   no reply, only one that is later than the first miss and says that the device worked (an
///   application that holds a printer's only connection makes it look silent). A failure explains
///   no silence: `no-reply` stands.
/// - A port that is not there, or another device on it, is never explained away by a report.
/// - The last `failures` results in a row bad: the condition `results-failing`. A fault where
///   reports are all that is known; beside a poll that gets through, a warning: the device finds
///   itself well, and its users do not. It keeps the words of the result that completed the row.
///   One good result, or age, ends it.
/// - That the device worked ends only the faults that the device told of itself before that.
class Reported {
 public:
  /// What is remembered over configurations and runs.
  struct Kept {
    DeviceResult last;
    int failed = 0;                       ///< in a row, up to now
    std::optional<DeviceResult> failing;  ///< the one that completed the row
  };
  /// A device's own word, and when it was heard.
  struct Heard {
    wire::Status status;
    MonoTime at{};
  };

  explicit Reported(const ResultLimits& limits, std::optional<Kept> before = {});

  /// One result; one from the future counts as of `now`, one older than the last is ignored.
  void add(DeviceResult result, MonoTime now);

  /// The status while the device is missed for `why` since `missed_since`; nothing when no report
  /// stands for it. `heard`: what the device itself said last: its warnings stay, and its faults
  /// too unless the application has worked with it since; of levels those that are near an end.
  std::optional<wire::Status> stands_for(Errc why, MonoTime missed_since,
                                         const std::optional<Heard>& heard, MonoTime now) const;

  /// The status of a device of which a poll has `seen` only that it is there; nothing when it saw
  /// more, or not even that, or when no report says how the device does.
  std::optional<wire::Status> of_present(const wire::Status& seen, MonoTime now) const;

  /// What is added to the status of a poll that got through.
  std::optional<wire::Condition> beside_poll(MonoTime now) const;

  /// When the last report that has not aged out was made.
  std::optional<MonoTime> last(MonoTime now) const;

  /// Whether an application has worked with the device after what was heard of it last: its faults
  /// are over. What was kept from before shows nothing of what was heard in between.
  bool refutes(const std::optional<Heard>& heard, MonoTime now) const;

  /// Nothing while nothing was ever reported.
  std::optional<Kept> kept() const;

 private:
  ResultLimits limits_;
  std::optional<DeviceResult> last_;
  int failed_ = 0;                       ///< in a row
  std::optional<DeviceResult> failing_;  ///< the one that completed the row
  bool told_ = false;                    ///< `last_` is none that was kept from before
};

}  // namespace kw::agent
