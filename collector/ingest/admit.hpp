#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collector/model/values.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::collector {

/// One epoch of a terminal as the store has it.
struct EpochMark {
  std::uint64_t epoch = 0;
  std::int64_t no = 0;    ///< its place among the terminal's epochs
  std::uint64_t seq = 0;  ///< high-water mark
  WallTime last_at{};     ///< time of the last event committed; later ones are never before it
};

/// What a Hello changes in a terminal's epochs.
struct EpochPlan {
  std::vector<EpochMark> marks;        ///< for every epoch listed, in the order listed
  std::vector<EpochMark> added;        ///< those among them that are new, numbered
  std::vector<std::uint64_t> dropped;  ///< known, but no longer listed: may be forgotten
  std::int64_t next_no = 1;
};

/// Numbers the listed epochs in their order. Pure.
EpochPlan plan_epochs(const std::vector<EpochMark>& known, std::int64_t next_no,
                      const pb::Hello& hello);

/// How a batch meets its epoch's mark.
enum class Admission : std::uint8_t {
  next,     ///< starts right after the mark and covers its range: commit it
  known,    ///< committed before: acknowledge again
  resend,   ///< a hole or an overlap: "send again from mark + 1"
  garbled,  ///< breaks its own range: refuse
};
Admission admit(const pb::Batch& batch, std::uint64_t mark);

/// Turns the kiosk's clocks into the collector's, for one session (data path, section 5).
class SessionTime {
 public:
  SessionTime() = default;
  SessionTime(const pb::Hello& hello, WallTime server_at_hello);

  struct Base {
    WallTime at{};           ///< of the batch's base
    bool uncertain = false;  ///< neither the boot nor the offset of that epoch is known
  };
  /// The corrected time of a reading of the kiosk's clocks taken in `epoch`.
  Base corrected(std::uint64_t epoch, std::int64_t mono_us, std::int64_t wall_us) const;

 private:
  struct Offset {
    bool same_boot = false;
    bool known = false;
    std::int64_t us = 0;  ///< added to mono (same boot) or to wall
  };
  std::map<std::uint64_t, Offset> offsets_;
};

}  // namespace kw::collector
