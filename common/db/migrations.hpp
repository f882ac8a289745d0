#pragma once

#include <span>
#include <string_view>

#include "common/db/database.hpp"

namespace kw::db {

/// One step of a schema: numbered from 1 without a break, never edited once released.
struct Migration {
  int number;
  std::string_view name;
  std::string_view sql;
};

/// Brings the file up to the last migration, each in one transaction with its checksum recorded.
/// Errc::unsupported when the file is newer than this program (the text names both numbers
/// and, when the file knows it, the version to install), or
/// when a recorded checksum differs from the program's: somebody changed history.
Result<void> migrate(Database& db, std::span<const Migration> migrations);

/// The number of the last migration applied, 0 for a new file.
int schema_version(Database& db);

}  // namespace kw::db
