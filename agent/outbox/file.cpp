#include "agent/outbox/file.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <sqlite3.h>

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
constexpr const char* fresh_name = "outbox.fresh.db";  ///< what is salvaged, until it is complete

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

/// `unreadable`: the disk does not answer; that says nothing of the file.
enum class Found { nothing, usable, damaged, unreadable, newer };

std::int64_t log_bytes(std::int64_t ceiling) {
  return std::clamp<std::int64_t>(ceiling / 16, 32 * page_bytes, 4LL * 1024 * 1024);
}

fs::path beside(fs::path file, const char* suffix) {
  file += suffix;
  return file;
}

/// Whether SQLite complains of the content, not of the disk below it.
bool of_the_file(int code) {
  const int kind = code & 0xff;
  return kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_ERROR;
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
  if (!db) return db.error().code() == Errc::garbled ? Found::damaged : Found::unreadable;
  const auto tables = (*db)->integer("SELECT count(*) FROM sqlite_master");
  if (tables && *tables == 0) return Found::nothing;  // the power went before the first commit
  const auto wants = (*db)->text("SELECT value FROM meta WHERE key='min_reader'");
  const auto clean = (*db)->text("SELECT value FROM meta WHERE key='clean'");
  if ((*db)->failure() && !of_the_file((*db)->failure_code())) return Found::unreadable;
  if ((*db)->failure() || !wants) return Found::damaged;
  if (std::atoll(wants->c_str()) > our_reader) return Found::newer;
  if (!clean || *clean != "1") {
    // A run that ended without a word may have left torn pages.
    const auto verdict = (*db)->text("PRAGMA quick_check(1)");
    if ((*db)->failure() && !of_the_file((*db)->failure_code())) return Found::unreadable;
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

fs::path aside_name(const fs::path& file, std::string_view why, const Clock& clock) {
  auto stamp = rfc3339(clock.wall());
  std::erase_if(stamp, [](char c) { return c == ':' || c == '-' || c == '.'; });
  auto to = file.parent_path() / fmt::format("outbox.{}-{}", why, stamp);
  std::error_code failed;
  for (int n = 1; fs::exists(to, failed); ++n) {
    to = file.parent_path() / fmt::format("outbox.{}-{}.{}", why, stamp, n);
  }
  return to;
}

/// Renames file and log, so that the pair stays readable. The file first: should the power go
/// between the two, a file without its log would be taken for the whole.
std::optional<fs::path> put_aside(const fs::path& file, std::string_view why, const Clock& clock) {
  const auto to = aside_name(file, why, clock);
  std::error_code failed;
  fs::rename(file, to, failed);
  if (failed) {
    log::error("outbox-not-put-aside", {{"file", file.string()}, {"reason", failed.message()}});
    return std::nullopt;
  }
  std::error_code ignored;
  fs::rename(beside(file, "-wal"), beside(to, "-wal"), ignored);
  fs::remove(beside(file, "-shm"), ignored);
  return to;
}

void remove_database(const fs::path& file) {
  std::error_code none;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    fs::remove(beside(file, suffix), none);
}

/// The disk takes no fresh file in the place of one that another version understands: at the next
/// start, in its own place.
void put_back(const fs::path& aside, const fs::path& file) {
  remove_database(file);
  std::error_code failed;
  fs::rename(beside(aside, "-wal"), beside(file, "-wal"), failed);
  failed.clear();
  fs::rename(aside, file, failed);
  if (failed) {
    log::error("outbox-not-put-back", {{"file", aside.string()}, {"reason", failed.message()}});
  }
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
  // What is written is read once, to be sent, and the system's own cache still has it then:
  // SQLite's usual 2 MB of pages would be a fifth of the agent (goal P1).
  db.script("PRAGMA cache_size=-256");
  db::Transaction transaction{db};
  db.script(schema);
  db.run("INSERT INTO meta (key, value) VALUES ('min_reader', $1) ON CONFLICT (key) DO NOTHING",
         std::to_string(min_reader));
  const auto done = transaction.commit();
  if (!done) return Error{done.error()};
  return opened;
}

void in_memory(OutboxFile& out, const std::string& why) {
  out.notes.push_back({"outbox-in-memory", why});
  out.on_disk = false;
  auto opened = db::Database::in_memory();
  if (!opened) return;  // no memory at all: the caller sees a null database
  out.db = std::move(*opened);
  out.db->script(schema);
}

/// Copies what can be read of the damaged file into a new one beside it. The damaged one stays in
/// its place until that is complete: whenever the power goes, or the disk, nothing has moved yet.
/// Nothing when the damaged file cannot be opened at all.
Result<std::optional<Salvaged>> salvage_beside(const fs::path& file, const fs::path& fresh,
                                               std::int64_t ceiling, const Clock& clock) {
  remove_database(fresh);
  auto into = open_or_make(fresh, ceiling);
  if (!into) return std::move(into).error();
  const auto saved = salvage(file, **into, clock, clock.mono() + salvage_limit);
  if (!saved) log::warning("outbox-unreadable", {{"reason", saved.error()}});
  auto& db = **into;
  db.forgive();
  db.run("INSERT INTO meta (key, value) VALUES ('salvaged', '1') ON CONFLICT (key) DO NOTHING");
  db.script("PRAGMA wal_checkpoint(TRUNCATE)");
  if (auto failure = db.forgive()) return std::move(*failure);
  into->reset();
  std::error_code none;
  const auto left = fs::file_size(beside(fresh, "-wal"), none);
  if (!none && left > 0) return Error{Errc::storage, "the salvaged file does not close"};
  return saved ? std::optional{*saved} : std::nullopt;
}

/// The power went after the damaged file was put aside and before the salvaged one took its place.
void finish_replacement(const fs::path& file, const fs::path& fresh, const Clock& clock) {
  std::error_code none;
  if (fs::exists(file, none) || !fs::exists(fresh, none)) return;
  bool complete = false;
  {
    db::Database::Options options;
    options.read_only = true;
    auto db = db::Database::open(fresh, options);
    complete = db && (*db)->text("SELECT value FROM meta WHERE key='salvaged'").has_value();
  }
  if (!complete) return;
  // A log that is still here is the damaged file's.
  fs::rename(beside(file, "-wal"), beside(aside_name(file, "damaged", clock), "-wal"), none);
  fs::rename(fresh, file, none);
}

/// A new file in the place of the damaged one.
OutboxFile replace(const OutboxFile::Options& options, const Clock& clock) {
  const auto file = options.folder / outbox_name;
  const auto fresh = options.folder / fresh_name;
  OutboxFile out;
  const auto saved = salvage_beside(file, fresh, options.ceiling, clock);
  if (!saved) {
    remove_database(fresh);
    in_memory(out, saved.error().text());
    return out;
  }
  const auto aside = put_aside(file, "damaged", clock);
  std::error_code failed;
  if (aside) fs::rename(fresh, file, failed);
  if (!aside || failed) {
    in_memory(out, "the old file can neither be used nor put aside");
    return out;
  }
  auto opened = open_or_make(file, options.ceiling);
  if (!opened) {
    in_memory(out, opened.error().text());
    return out;
  }
  out.db = std::move(*opened);
  const auto name = aside->filename().string();
  if (const auto& salvaged = *saved) {
    // With nothing to count by, nothing is said of a number.
    const bool blind = salvaged->kept == 0 && salvaged->lost == 0;
    const auto count = blind ? std::string{"kept 0, lost an unknown number"}
                             : fmt::format("kept {}, lost {}", salvaged->kept, salvaged->lost);
    out.notes.push_back({"outbox-damaged", name + ": " + count});
    log::warning("outbox-damaged",
                 {{"file", aside->string()}, {"kept", salvaged->kept}, {"lost", salvaged->lost}});
  } else {
    std::error_code unknown;
    const auto size = fs::file_size(*aside, unknown);
    out.notes.push_back(
        {"outbox-unreadable", fmt::format("{}: {} bytes", name, unknown ? 0 : size)});
  }
  forget_oldest(options.folder);
  return out;
}

OutboxFile make(const OutboxFile::Options& options, const Clock& clock, Found found) {
  if (found == Found::damaged) return replace(options, clock);
  const auto file = options.folder / outbox_name;
  OutboxFile out;
  if (found == Found::unreadable) {
    in_memory(out, "the file cannot be read now");
    return out;
  }
  std::optional<fs::path> aside;
  if (found == Found::newer) {
    aside = put_aside(file, "newer", clock);
    if (!aside) {
      in_memory(out, "the old file can neither be used nor put aside");
      return out;
    }
    out.notes.push_back({"outbox-newer", aside->filename().string()});
  }
  auto opened = open_or_make(file, options.ceiling);
  if (!opened) {
    if (aside) put_back(*aside, file);
    out.notes.clear();
    in_memory(out, opened.error().text());
    return out;
  }
  out.db = std::move(*opened);
  return out;
}

OutboxFile told(OutboxFile out) {
  if (!out.on_disk) log::error("outbox-in-memory", {{"reason", out.notes.back().detail}});
  return out;
}

}  // namespace

OutboxFile OutboxFile::open(const Options& options, const Clock& clock) {
  const auto file = options.folder / outbox_name;
  finish_replacement(file, options.folder / fresh_name, clock);
  auto found = look(file);
  auto out = make(options, clock, found);
  // What a salvage left that never came to its end.
  if (out.on_disk) remove_database(options.folder / fresh_name);
  if (out.on_disk) return out;
  // A disk that failed once is asked once more: what lives in memory ends with the process.
  found = look(file);
  auto again = make(options, clock, found);
  if (again.on_disk) return again;
  if (found == Found::usable || found == Found::unreadable) {
    // It cannot be opened although the folder may be well: perhaps only this file is at fault.
    auto third = make(options, clock, Found::damaged);
    if (third.on_disk) return third;
  }
  return told(std::move(out));
}

OutboxFile OutboxFile::recover(const Options& options, const Clock& clock) {
  std::error_code ignored;
  const bool there = fs::exists(options.folder / outbox_name, ignored);
  return told(make(options, clock, there ? Found::damaged : Found::nothing));
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
