#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/db/database.hpp"

namespace kw::agent {

/// What became of a file, to be told as an agent's note: "outbox-damaged", "outbox-newer" …
struct FileNote {
  std::string code;
  std::string detail;
};

/// The outbox's file: made, opened, put aside, salvaged. It always comes back with a database that
/// can be written; when the folder cannot, in memory.
struct OutboxFile {
  std::unique_ptr<db::Database> db;
  std::vector<FileNote> notes;
  bool on_disk = true;

  struct Options {
    std::filesystem::path folder;
    std::int64_t ceiling = 256LL * 1024 * 1024;
  };

  static OutboxFile open(const Options& options, const Clock& clock);

  /// As `open`, but whatever is there is taken for damaged: put aside, salvaged.
  static OutboxFile recover(const Options& options, const Clock& clock);
};

/// Database, log and index of it on disk.
std::int64_t bytes_on_disk(const std::filesystem::path& folder);

inline constexpr const char* outbox_name = "outbox.db";

}  // namespace kw::agent
