#include "common/db/copy.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace kw::db {
namespace {

constexpr int pages_a_step = 256;

Error failed(const std::filesystem::path& file, int code) {
  return Error{Errc::storage,
               fmt::format("{}: SQLite: {} ({})", file.string(), sqlite3_errstr(code), code)};
}

/// Everything from the snapshot that `from` holds open. SQLite starts over whenever another process
/// writes between two steps, were it not for that snapshot.
int copy_all(Database& from, Database& to) {
  auto* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (backup == nullptr) return sqlite3_extended_errcode(to.handle());
  int code = SQLITE_OK;
  while (code == SQLITE_OK) code = sqlite3_backup_step(backup, pages_a_step);
  const int end = sqlite3_backup_finish(backup);
  return code == SQLITE_DONE ? end : code;
}

}  // namespace

Result<Pages> copy_online(const std::filesystem::path& from, const std::filesystem::path& to) {
  Database::Options reading;
  reading.read_only = true;
  auto source = Database::open(from, reading);
  if (!source) return std::move(source).error();
  Database::Options making;
  making.plain = true;
  auto target = Database::open(to, making);
  if (!target) return std::move(target).error();
  // Whoever makes the copy syncs it as a whole: a half-written one is thrown away, not mended.
  (*target)->script("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF");
  (*source)->script("BEGIN");
  (*source)->integer("SELECT count(*) FROM sqlite_master");  // here the snapshot is taken
  Pages out;
  out.count = (*source)->integer("PRAGMA page_count").value_or(0);
  out.bytes_each = (*source)->integer("PRAGMA page_size").value_or(0);
  if (auto failure = (*source)->forgive()) return std::move(*failure).within(from.string());
  const int code = copy_all(**source, **target);
  if (code != SQLITE_OK) return failed(to, code);
  (*source)->script("COMMIT");
  // As it was in WAL mode, so is the copy, and whoever opens it makes files beside it.
  (*target)->script("PRAGMA journal_mode=DELETE");
  if (auto failure = (*target)->forgive()) return std::move(*failure).within(to.string());
  return out;
}

std::string integrity(Database& db) {
  std::string out;
  for (const Row row : db.rows("PRAGMA integrity_check(10)")) {
    out += (out.empty() ? "" : "; ") + row.text(0);
  }
  if (const auto failure = db.forgive()) return failure->text();
  return out;
}

namespace {

std::optional<std::string> wrong_in(Database& db, const std::string& pragma) {
  const auto verdict = db.text(pragma);
  if (const auto failure = db.forgive()) return failure->text();
  if (verdict != "ok") return verdict.value_or("no answer");
  return std::nullopt;
}

}  // namespace

QuickLook quick_look(Database& db, const Clock& clock, const LookLimits& limits) {
  const auto until = clock.mono() + limits.time;
  const auto bytes =
      db.integer("PRAGMA page_count").value_or(0) * db.integer("PRAGMA page_size").value_or(0);
  if (bytes <= limits.whole_bytes) {
    const auto wrong = wrong_in(db, "PRAGMA quick_check(1)");
    return wrong ? QuickLook{Sound::no, *wrong} : QuickLook{};
  }
  std::vector<std::string> tables;
  for (const Row row : db.rows("SELECT name FROM sqlite_master WHERE type='table'")) {
    if (row.text(0) != limits.bulk) tables.push_back(row.text(0));
  }
  if (const auto failure = db.forgive()) return {Sound::no, failure->text()};
  std::string left_out{limits.bulk};
  for (const auto& table : tables) {
    if (clock.mono() > until) {
      left_out += " " + table;
      continue;
    }
    if (auto wrong = wrong_in(db, fmt::format("PRAGMA quick_check(\"{}\")", table))) {
      return {Sound::no, table + ": " + *wrong};
    }
  }
  return {left_out.empty() ? Sound::yes : Sound::unfinished, left_out};
}

}  // namespace kw::db
