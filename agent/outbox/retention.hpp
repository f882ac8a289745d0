#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "agent/outbox/record.hpp"
#include "common/db/database.hpp"

namespace kw::agent {

/// What is dropped in one sweep over the outbox: first a share of the thinned classes, then whole
/// classes in the order of their drop rank, audit last. Gaps are never dropped.
struct Sweep {
  int thin = 0;  ///< keep 1 in 2^thin of thinned classes; 0: drop the whole rank
  int rank = 0;
};
std::span<const Sweep> sweeps();

/// The rows of one epoch in order with what `sweep` drops replaced by gaps in place, adjacent gaps
/// merged. Pure.
std::vector<Record> swept(std::vector<Record> rows, const Sweep& sweep);

/// Keeps the file under its ceiling: acknowledged rows go first, oldest first, then what `sweeps`
/// says, oldest first. One pass goes on where the last one stopped.
class Retention {
 public:
  struct Epoch {
    std::int64_t ordinal;
    std::uint64_t acked;
  };

  Retention(db::Database& db, std::filesystem::path folder, std::int64_t ceiling);

  /// Bytes of pages that hold something.
  std::int64_t live() const;
  /// Bytes in use: live pages, log and index.
  std::int64_t used() const;
  std::int64_t threshold() const { return ceiling_ / 10 * 9; }
  /// Whether `more` bytes fit below 90 % of the ceiling.
  bool fits(std::int64_t more) const { return used() + more <= threshold(); }

  /// Frees until `more` bytes fit with some air. `epochs` oldest first. False when there is nothing
  /// left that may go, or the database failed. While another process holds the log, so that nothing
  /// can be freed, it drops nothing and says whether `more` fits below the ceiling at all.
  bool make_room(std::span<const Epoch> epochs, std::int64_t more);

  /// Deletes acknowledged rows of one epoch, oldest first, and returns how many: at most `most` of
  /// them (a few hundred when that is more), none that is from `before_mono_us` of its boot or
  /// later.
  std::int64_t prune(const Epoch& epoch, std::int64_t most, std::int64_t before_mono_us);

 private:
  /// Moves the log into the file. False when somebody still read it after `patience`.
  bool cut_log(std::chrono::milliseconds patience);
  bool prune_any(std::span<const Epoch> epochs);
  bool sweep_some(std::span<const Epoch> epochs);
  bool sweep_chunk(std::int64_t ordinal, std::uint64_t from);

  db::Database& db_;
  std::filesystem::path folder_;
  std::int64_t ceiling_;
  std::size_t chunk_bytes_;
  std::size_t sweep_ = 0;        ///< index into sweeps()
  std::int64_t at_ordinal_ = 0;  ///< where the sweep stands
  std::uint64_t at_seq_ = 0;
  bool log_held_ = false;  ///< somebody reads, as of the last look
};

}  // namespace kw::agent
