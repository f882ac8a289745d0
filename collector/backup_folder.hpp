#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// The file that a backup to `to` makes: `to` itself, or collector-20261123T023000Z.db in it when
/// it is a folder.
std::filesystem::path backup_file(const std::filesystem::path& to, const Clock& clock);

/// `from` itself, or the newest backup in it when it is a folder. One named after a time that has
/// not come yet was made while the clock was ahead: it is the newest only when all others are such
/// too. Errc::missing: there is none.
Result<std::filesystem::path> newest_backup(const std::filesystem::path& from, const Clock& clock);

/// The backups of this folder that are named after a time later than that of `made`.
std::vector<std::filesystem::path> named_after(const std::filesystem::path& made);

/// Deletes all but the newest `keep` backups that `backup_file` named in the folder of `made`, with
/// their checksums; files of other names stay. `made` is the newest whatever the others are called
/// (the clock may have been ahead once) and stays. Returns what was deleted.
std::vector<std::filesystem::path> forget_old_backups(const std::filesystem::path& made,
                                                      std::size_t keep);

/// Less room on a disk than a copy takes.
struct Shortage {
  std::filesystem::path folder;
  std::int64_t needed = 0;
  std::int64_t available = 0;
};

/// What a copy of `file` with its log takes, and what the collector needs meanwhile.
std::int64_t room_for_copy(const std::filesystem::path& file);

/// Whether `folder`, or what there is of it, has that much room. Nothing when it cannot be told.
std::optional<Shortage> lacks_room(const std::filesystem::path& folder, std::int64_t needed);

/// Deletes the oldest backups of a folder until there is room for another, but never the newest
/// that has its checksum beside it, nor what is newer; and none at all when that would not do. What
/// is then still lacking. `made` is the name that the next one will have.
std::optional<Shortage> make_room(const std::filesystem::path& made, std::int64_t needed);

}  // namespace kw::collector
