#pragma once

#include <cstddef>
#include <vector>

#include "common/clock.hpp"

namespace kw::agent {

/// Whose turn it is on one port. A device that is late is polled once, not once for every turn that
/// was missed.
class Schedule {
 public:
  /// `start` spreads devices that begin together; returns the entry's number, from 0.
  std::size_t add(Duration every, MonoTime start);

  bool empty() const { return entries_.empty(); }
  /// The entry that is due first. Not on an empty schedule.
  std::size_t next() const;
  MonoTime due(std::size_t entry) const { return entries_[entry].due; }

  /// The entry was served: its next turn is one interval after the last one, never in the past.
  void served(std::size_t entry, MonoTime now);
  /// The entry is wanted again sooner than its interval says.
  void again_at(std::size_t entry, MonoTime when);

 private:
  struct Entry {
    Duration every;
    MonoTime due;
  };
  std::vector<Entry> entries_;
};

}  // namespace kw::agent
