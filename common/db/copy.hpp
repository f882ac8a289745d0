#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/db/database.hpp"

namespace kw::db {

/// The size of a database file as SQLite counts it.
struct Pages {
  std::int64_t count = 0;
  std::int64_t bytes_each = 0;
};

/// Writes what the database `from` holds at this moment to the new file `to`, while others go on
/// writing to `from`: they never wait for it, only their log grows until it is done. The copy is
/// one file without a log beside it; it is not synced. Errc::storage: the disk, or a page of `from`
/// that cannot be read; what was written of `to` is left to the caller.
Result<Pages> copy_online(const std::filesystem::path& from, const std::filesystem::path& to);

/// Reads every page and index: "ok", or what is wrong, at most ten findings.
std::string integrity(Database& db);

/// What a look of bounded length found.
enum class Sound { yes, no, unfinished };
struct QuickLook {
  Sound sound = Sound::yes;
  std::string finding = {};  ///< what is wrong, or what was left out
};

struct LookLimits {
  /// A file up to this size is read wholly: some 0.5 s for each GiB that the system has in memory,
  /// as long as the disk takes otherwise.
  std::int64_t whole_bytes = 512LL * 1024 * 1024;
  /// Of a larger one every table but this is read, one after the other, until `time` is over.
  /// SQLite 3.40 cannot be stopped within one table.
  std::string_view bulk;
  Duration time = std::chrono::seconds{10};
};
/// Whether pages and rows hang together, without comparing indexes with their tables.
QuickLook quick_look(Database& db, const Clock& clock, const LookLimits& limits);

}  // namespace kw::db
