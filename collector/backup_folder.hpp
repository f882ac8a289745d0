#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// The file that a backup to `to` makes: `to` itself, or collector-20261123T023000Z.db in it when
/// it is a folder.
std::filesystem::path backup_file(const std::filesystem::path& to, const Clock& clock);

/// `from` itself, or the newest backup in it when it is a folder. Errc::missing: there is none.
Result<std::filesystem::path> newest_backup(const std::filesystem::path& from);

/// Deletes all but the newest `keep` backups that `backup_file` named in this folder, with their
/// checksums; files of other names stay. Returns what was deleted.
std::vector<std::filesystem::path> forget_old_backups(const std::filesystem::path& folder,
                                                      std::size_t keep);

}  // namespace kw::collector
