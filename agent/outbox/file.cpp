#include "agent/outbox/file.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "agent/outbox/salvage.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

namespace fs = std::filesystem;

// A reader of at least this version can read what we write. Tables and columns are only ever added;
// raised only when an older agent would misread the file.
constexpr std::int64_t min_reader = 1;
constexpr std::int64_t our_reader = 1;
constexpr std::int64_t page_bytes = 4'096;
constexpr auto salvage_limit = std::chrono::seconds{3};
constexpr std::size_t damaged_kept = 2;

constexpr std::string_view schema =
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS epoch (ordinal INTEGER PRIMARY KEY, epoch BIGINT NOT NULL UNIQUE,"
    " boot_id BLOB NOT NULL, acked BIGINT NOT NULL, last BIGINT NOT NULL, clock_offset_us BIGINT);"
    "CREATE TABLE IF NOT EXISTS record (ordinal BIGINT NOT NULL, seq BIGINT NOT NULL,"
    " count BIGINT NOT NULL, class BIGINT NOT NULL, mono_us BIGINT NOT NULL, wall_us BIGINT NOT "
    "NULL,"
    " thinned BIGINT NOT NULL, body BLOB NOT NULL, crc BIGINT NOT NULL,"
    " PRIMARY KEY (ordinal, seq)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS device (name TEXT PRIMARY KEY, status BLOB NOT NULL,"
    " identity BLOB NOT NULL, crc BIGINT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS command (id TEXT PRIMARY KEY, begun_wall_us BIGINT NOT NULL,"
    " done BIGINT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS supply (device TEXT NOT NULL, type TEXT NOT NULL,"
    " body TEXT NOT NULL, crc BIGINT NOT NULL, PRIMARY KEY (device, type)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS told (name TEXT PRIMARY KEY, mark BLOB NOT NULL,"
    " answer BLOB NOT NULL, wall_us BIGINT NOT NULL) WITHOUT ROWID;";

enum class Found { nothing, usable, damaged, newer };

std::int64_t log_bytes(std::int64_t ceiling) {
  return std::clamp<std::int64_t>(ceiling / 16, 32 * page_bytes, 4LL * 1024 * 1024);
}

fs::path beside(fs::path file, const char* suffix) {
  file += suffix;
  return file;
}

/// The power went while the file was being made: what was begun then is rolled back, for which it
/// must be opened for writing. Later on there is no such journal.
void finish_rollback(const fs::path& file) {
  std::error_code none;
  if (fs::file_size(beside(file, "-journal"), none) == 0 || none) return;
  db::Database::Options options;
  options.create = false;
  auto db = db::Database::open(file, options);
  if (db) (*db)->integer("SELECT count(*) FROM sqlite_master");
}

/// Looks without changing anything: a newer file must stay unharmed.
Found look(const fs::path& file) {
  std::error_code ignored;
  auto size = fs::file_size(file, ignored);
  if (ignored || size == 0) return Found::nothing;
  finish_rollback(file);
  size = fs::file_size(file, ignored);
  if (ignored || size == 0) return Found::nothing;
  db::Database::Options options;
  options.read_only = true;
  auto db = db::Database::open(file, options);
  if (!db) return Found::damaged;
  const auto tables = (*db)->integer("SELECT count(*) FROM sqlite_master");
  if (tables && *tables == 0) return Found::nothing;  // the power went before the first commit
  const auto wants = (*db)->text("SELECT value FROM meta WHERE key='min_reader'");
  const auto clean = (*db)->text("SELECT value FROM meta WHERE key='clean'");
  if ((*db)->failure() || !wants) return Found::damaged;
  if (std::atoll(wants->c_str()) > our_reader) return Found::newer;
  if (!clean || *clean != "1") {
    // A run that ended without a word may have left torn pages.
    const auto verdict = (*db)->text("PRAGMA quick_check(1)");
    if ((*db)->failure() || !verdict || *verdict != "ok") return Found::damaged;
  }
  return Found::usable;
}

/// Old damaged files are evidence, but bounded.
void forget_oldest(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator{folder, ignored}) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("outbox.damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm")) {
      found.push_back(entry.path());
    }
  }
  std::ranges::sort(found);
  while (found.size() > damaged_kept) {
    for (const char* suffix : {"", "-wal", "-shm"})
      fs::remove(beside(found.front(), suffix), ignored);
    found.erase(found.begin());
  }
}

/// Renames file and log together, so that the pair stays readable.
std::optional<fs::path> put_aside(const fs::path& file, std::string_view why, const Clock& clock) {
  auto stamp = rfc3339(clock.wall());
  std::erase_if(stamp, [](char c) { return c == ':' || c == '-' || c == '.'; });
  auto to = file.parent_path() / fmt::format("outbox.{}-{}", why, stamp);
  std::error_code failed;
  for (int n = 1; fs::exists(to, failed); ++n) {
    to = file.parent_path() / fmt::format("outbox.{}-{}.{}", why, stamp, n);
  }
  std::error_code ignored;
  fs::rename(beside(file, "-wal"), beside(to, "-wal"), ignored);
  fs::remove(beside(file, "-shm"), ignored);
  failed.clear();
  fs::rename(file, to, failed);
  if (failed) {
    log::error("outbox-not-put-aside", {{"file", file.string()}, {"reason", failed.message()}});
    return std::nullopt;
  }
  return to;
}

void limit_pages(db::Database& db, std::int64_t ceiling) {
  const auto pages = (ceiling - log_bytes(ceiling) - 16 * page_bytes) / page_bytes;
  db.text(fmt::format("PRAGMA max_page_count={}", pages));
}

Result<std::unique_ptr<db::Database>> open_or_make(const fs::path& file, std::int64_t ceiling) {
  db::Database::Options options;
  options.incremental_vacuum = true;
  options.wal_autocheckpoint_pages = static_cast<int>(log_bytes(ceiling) / page_bytes / 2);
  options.journal_size_limit = log_bytes(ceiling);
  auto opened = db::Database::open(file, options);
  if (!opened) return std::move(opened).error();
  auto& db = **opened;
  limit_pages(db, ceiling);
  db::Transaction transaction{db};
  db.script(schema);
  db.run("INSERT INTO meta (key, value) VALUES ('min_reader', $1) ON CONFLICT (key) DO NOTHING",
         std::to_string(min_reader));
  const auto done = transaction.commit();
  if (!done) return Error{done.error()};
  return opened;
}

void in_memory(OutboxFile& out, const std::string& why) {
  log::error("outbox-in-memory", {{"reason", why}});
  out.notes.push_back({"outbox-in-memory", why});
  out.on_disk = false;
  auto opened = db::Database::in_memory();
  if (!opened) return;  // no memory at all: the caller sees a null database
  out.db = std::move(*opened);
  out.db->script(schema);
}

OutboxFile make(const OutboxFile::Options& options, const Clock& clock, Found found) {
  const auto file = options.folder / outbox_name;
  OutboxFile out;
  std::optional<fs::path> aside;
  if (found == Found::newer) {
    aside = put_aside(file, "newer", clock);
    if (aside) out.notes.push_back({"outbox-newer", aside->filename().string()});
  } else if (found == Found::damaged) {
    aside = put_aside(file, "damaged", clock);
  }
  if ((found == Found::newer || found == Found::damaged) && !aside) {
    in_memory(out, "the old file can neither be used nor put aside");
    return out;
  }
  auto opened = open_or_make(file, options.ceiling);
  if (!opened) {
    in_memory(out, opened.error().text());
    return out;
  }
  out.db = std::move(*opened);
  if (found == Found::damaged) {
    const auto saved = salvage(*aside, *out.db, clock, clock.mono() + salvage_limit);
    out.notes.push_back(
        {"outbox-damaged",
         fmt::format("{}: kept {}, lost {}", aside->filename().string(), saved.kept, saved.lost)});
    log::warning("outbox-damaged",
                 {{"file", aside->string()}, {"kept", saved.kept}, {"lost", saved.lost}});
    forget_oldest(options.folder);
  }
  return out;
}

}  // namespace

OutboxFile OutboxFile::open(const Options& options, const Clock& clock) {
  const auto found = look(options.folder / outbox_name);
  auto out = make(options, clock, found);
  if (!out.on_disk && found == Found::usable) {
    // It looked well and still cannot be opened for writing: perhaps only this file is at fault.
    auto second = make(options, clock, Found::damaged);
    if (second.on_disk) return second;
  }
  return out;
}

OutboxFile OutboxFile::recover(const Options& options, const Clock& clock) {
  std::error_code ignored;
  const bool there = fs::exists(options.folder / outbox_name, ignored);
  return make(options, clock, there ? Found::damaged : Found::nothing);
}

std::int64_t bytes_on_disk(const fs::path& folder) {
  std::int64_t total = 0;
  const auto file = folder / outbox_name;
  for (const char* suffix : {"", "-wal", "-shm"}) {
    std::error_code missing;
    const auto size = fs::file_size(beside(file, suffix), missing);
    if (!missing) total += static_cast<std::int64_t>(size);
  }
  return total;
}

}  // namespace kw::agent
