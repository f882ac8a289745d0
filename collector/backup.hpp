#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "collector/store/sqlite/carry_over.hpp"
#include "collector/store/sqlite/inspect.hpp"
#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::collector {

// Backups of the store: made, tried, put back. Each leaves a record in the audit.

/// Whether the record is in the audit of the store of the data folder, else why not.
struct Recorded {
  bool done = false;
  std::string why_not = {};
};

struct BackupReport {
  std::filesystem::path file;
  std::string sha256;  ///< lower-case hex, also in FILE.sha256 as sha256sum writes it
  std::int64_t bytes = 0;
  std::int64_t pages = 0;
  std::int64_t ms = 0;
  StoreFacts facts;
  Recorded recorded;
};

/// Copies the store of `data` to the new file `to`, while a collector runs or none does: as it is
/// at one moment, every page and index read and found sound, on the disk before it has its name.
/// That it was made, and by `who`, is recorded. When no collector runs, what a killed one left in
/// its log goes into the store first; a store of an older version stays at its schema, and then
/// nothing is recorded. Whether there is room is asked before (`lacks_room`, backup_folder.hpp).
/// Errc::refused: `to` exists already, nothing was touched; Errc::missing: there is no store;
/// Errc::storage: the disk, or the store is damaged; then there is no file, unless it was its
/// checksum that could not be written.
Result<BackupReport> make_backup(const std::filesystem::path& data, const std::filesystem::path& to,
                                 const std::string& who, const Clock& clock);

struct TrialReport {
  std::filesystem::path file;
  std::string sha256;
  std::int64_t bytes = 0;
  std::int64_t ms = 0;
  StoreFacts facts;  ///< `wrong` empty: it can be put back
  Recorded recorded;
};

/// Restores `file` for a trial: a copy in a folder of its own in `trial_place` (trial_folder.hpp)
/// is opened and read by the code that the collector runs, then thrown away. Neither `file` nor the
/// store is touched but for the record. Errc::missing: there is no `file`; else as of
/// `inspect_store`: these are recorded too. Errc::busy (another trial is under way) and what keeps
/// a trial from its folder are not.
Result<TrialReport> try_backup(const std::filesystem::path& data, const std::filesystem::path& file,
                               const std::string& who, const Clock& clock);

struct RestoreReport {
  TrialReport trial;
  std::filesystem::path aside;  ///< what the store was until now; empty: there was none
  /// The store of before; the one put aside last when there was none; empty: neither.
  std::filesystem::path carried_from;
  CarriedOver carried;
  std::string not_carried;  ///< why nothing was, empty when it was
  std::string unfinished;   ///< what went wrong when it was too late to undo it (`Placed`)
};

/// Tries `file` as `try_backup` does and puts the tried copy in the place of the store of `data`,
/// which has another name afterwards, with its log. What the store knows and no kiosk can send
/// again is carried over (`carry_over`); it is brought up to this program's schema for that.
/// Whatever interrupts it, there is the old store or the new one, and this can be done again
/// (`place_store`). Errc::busy: another process has `data`; Errc::garbled: what the trial found. On
/// any Error the store is where it was.
Result<RestoreReport> restore_backup(const std::filesystem::path& data,
                                     const std::filesystem::path& file, const std::string& who,
                                     const Clock& clock);

}  // namespace kw::collector
