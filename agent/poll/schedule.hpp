#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "common/clock.hpp"

namespace kw::agent {

/// Whose turn it is on one port. A device that is late is polled once, not once for every turn that
/// was missed.
///
/// Every interval is drawn anew within a tenth around the configured one, the first between half of
/// it and all of it, so that devices that were first polled together do not stay in step.
class Schedule {
 public:
  explicit Schedule(std::uint64_t seed) : random_(static_cast<std::uint32_t>(seed)) {}

  /// `start` spreads devices that begin together; returns the entry's number, from 0.
  std::size_t add(Duration every, MonoTime start);

  bool empty() const { return entries_.empty(); }
  /// The entry that is due first. Not on an empty schedule.
  std::size_t next() const;
  MonoTime due(std::size_t entry) const { return entries_[entry].due; }

  /// The entry was served: its next turn is one interval after the last one, never in the past. The
  /// interval is at least `at_least`, for a device that is not worth asking as often.
  void served(std::size_t entry, MonoTime now, Duration at_least = {});
  /// The entry is wanted again sooner than its interval says.
  void again_at(std::size_t entry, MonoTime when);

 private:
  struct Entry {
    Duration every;
    MonoTime due;
    bool first = true;  ///< never served yet
  };
  Duration interval(Entry& entry, Duration at_least);

  std::minstd_rand random_;
  std::vector<Entry> entries_;
};

}  // namespace kw::agent
