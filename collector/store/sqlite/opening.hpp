#pragma once

#include <filesystem>
#include <memory>

#include "collector/store/sqlite/sqlite_store.hpp"
#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// The store's name in the collector's data folder.
std::filesystem::path store_file(const std::filesystem::path& data);

/// SQLite's application id in a file that `backup` made, as long as no collector has run on it
/// ("KWBK"). A store in use has 0.
inline constexpr std::int64_t backup_mark = 0x4b57424b;

/// Opens the store for who is going to write to it; the data folder is locked by the caller.
///
/// A backup that somebody copied over the store by hand is recognised by its mark. A log beside it
/// belongs to the store that was there before (SQLite would write it into the backup and break it):
/// it is put aside, and the audit tells. Then the file is looked through, as far as that takes no
/// more than some seconds (common/db/copy.hpp, LookLimits): a damaged one is refused with what is
/// wrong and what to do; a part that was not looked at is named in the log.
/// Errc::missing: there is none; Errc::storage: damaged; Errc::unsupported: of a newer version.
Result<std::unique_ptr<SqliteStore>> open_store(const std::filesystem::path& data,
                                                const Clock& clock);

/// As `open_store`, but a store of another schema is left at it, for whoever may go back to the
/// version that made it: its log is closed, the mark is taken off (told in the program's log only),
/// and it is looked through. Returns whether it is of this program's schema, and so may be written
/// to. The data folder is locked by the caller.
Result<bool> settle_store(const std::filesystem::path& data, const Clock& clock);

/// Whether `backup` made this file and no collector has run on it since. Does not open it.
bool is_backup(const std::filesystem::path& file);

/// Puts the mark on a copy that will take the place of the store: what is beside it then is not its
/// own. The copy is one file without a log afterwards; it is not in use.
Result<void> put_on_mark(const std::filesystem::path& file);

/// Takes the mark off a copy that is put in the place of the store by us. The file is not in use.
Result<void> take_off_mark(const std::filesystem::path& file);

}  // namespace kw::collector
