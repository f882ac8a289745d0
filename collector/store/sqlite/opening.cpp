#include "collector/store/sqlite/opening.hpp"

#include <array>
#include <fstream>
#include <optional>

#include <fmt/format.h>

#include "collector/store/sqlite/schema.hpp"
#include "common/db/copy.hpp"
#include "common/log.hpp"
#include "common/platform/files.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;

/// What is kept in the file header (SQLite's file format, 1.3): big endian, at this offset.
constexpr std::streamoff mark_offset = 68;

fs::path beside(fs::path file, const char* suffix) {
  file += suffix;
  return file;
}

/// Read without SQLite, which would take the log beside the file for its own.
std::int64_t mark_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  in.seekg(mark_offset);
  std::array<char, 4> bytes{};
  if (!in.read(bytes.data(), bytes.size())) return 0;
  std::int64_t out = 0;
  for (const char byte : bytes) out = out << 8 | static_cast<unsigned char>(byte);
  return out;
}

std::string stamp(const Clock& clock) {
  auto out = rfc3339(clock.wall());
  std::erase_if(out, [](char c) { return c == ':' || c == '-' || c == '.'; });
  return out;
}

/// The names of what was put aside; empty when there was nothing.
Result<std::string> put_log_aside(const fs::path& file, const Clock& clock) {
  std::string names;
  std::error_code none;
  for (const char* suffix : {"-wal", "-journal"}) {
    const auto log = beside(file, suffix);
    if (!fs::exists(log, none)) continue;
    const auto to = beside(file, (".not-its" + std::string{suffix} + "-" + stamp(clock)).c_str());
    auto moved = platform::rename_file(log, to);
    if (!moved) return std::move(moved).error();
    names += (names.empty() ? "" : " ") + to.filename().string();
  }
  fs::remove(beside(file, "-shm"), none);
  return names;
}

struct CopiedBack {
  std::string put_aside;
};

/// A backup in the place of the store is made the store. Whenever the power goes, this is done once
/// more, or was done: the mark goes last, in one transaction in the file itself, and before any
/// log is begun.
Result<std::optional<CopiedBack>> adopt(const fs::path& file, const Clock& clock) {
  std::optional<CopiedBack> out;
  if (is_backup(file)) {
    auto names = put_log_aside(file, clock);
    if (!names) return std::move(names).error();
    out = CopiedBack{std::move(*names)};
  } else if (std::error_code none; !fs::exists(beside(file, "-journal"), none)) {
    return out;
  }
  // Else: the power may have gone while the mark was taken off.
  auto done = take_off_mark(file);
  if (!done) return std::move(done).error();
  return out;
}

Error damaged(const fs::path& file, const std::string& finding) {
  return {Errc::storage, file.string() + ": " + finding + std::string{damaged_advice}};
}

Result<void> look_through(const fs::path& file, const Clock& clock) {
  db::Database::Options options;
  options.read_only = true;
  auto db = db::Database::open(file, options);
  if (!db) return std::move(db).error();
  const auto begun = clock.mono();
  const auto found = db::quick_look(**db, clock, {.bulk = "event_block"});
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock.mono() - begun);
  if (found.sound == db::Sound::no) return damaged(file, found.finding);
  if (found.sound == db::Sound::unfinished) {
    // Blocks have a checksum each, looked at whenever they are read; a backup reads every page.
    log::info("store-looked-through-in-part",
              {{"not", found.finding}, {"ms", static_cast<std::int64_t>(ms.count())}});
  }
  return {};
}

void tell_copied_back(const fs::path& file, const CopiedBack& what) {
  log::warning("store-copied-back", {{"file", file.string()}, {"put_aside", what.put_aside}});
}

Result<std::unique_ptr<SqliteStore>> open_adopted(const fs::path& file,
                                                  const std::optional<CopiedBack>& copied_back,
                                                  const Clock& clock) {
  auto store = SqliteStore::open_existing(file);
  if (!store) return std::move(store).error();
  auto sound = look_through(file, clock);
  if (!sound) return std::move(sound).error();
  if (copied_back) {
    tell_copied_back(file, *copied_back);
    auto noted = (*store)->transact([&] {
      (*store)->audit({.at = clock.wall(),
                       .actor = "collector",
                       .action = "store.copied-back",
                       .object = file.string(),
                       .result = "ok",
                       .after = copied_back->put_aside});
    });
    if (!noted) return std::move(noted).error();
  }
  return store;
}

}  // namespace

fs::path store_file(const fs::path& data) { return data / "collector.db"; }

bool is_backup(const fs::path& file) { return mark_of(file) == backup_mark; }

Result<void> put_on_mark(const fs::path& file) {
  db::Database::Options options;
  options.create = false;
  options.plain = true;
  auto db = db::Database::open(file, options);
  if (!db) return std::move(db).error();
  (*db)->script(fmt::format("PRAGMA journal_mode=DELETE; PRAGMA application_id={}", backup_mark));
  if (auto failure = (*db)->forgive()) return std::move(*failure);
  return {};
}

Result<void> take_off_mark(const fs::path& file) {
  db::Database::Options options;
  options.create = false;
  options.plain = true;
  auto db = db::Database::open(file, options);
  if (!db) return std::move(db).error();
  if ((*db)->integer("PRAGMA application_id") == backup_mark) {
    (*db)->script("PRAGMA synchronous=EXTRA; PRAGMA application_id=0");
  }
  if (auto failure = (*db)->forgive()) return damaged(file, failure->text());
  return {};
}

Result<std::unique_ptr<SqliteStore>> open_store(const fs::path& data, const Clock& clock) {
  const auto file = store_file(data);
  auto copied_back = adopt(file, clock);
  if (!copied_back) return std::move(copied_back).error();
  return open_adopted(file, *copied_back, clock);
}

Result<bool> settle_store(const fs::path& data, const Clock& clock) {
  const auto file = store_file(data);
  std::error_code none;
  if (!fs::exists(file, none)) return SqliteStore::open_existing(file).error();
  auto copied_back = adopt(file, clock);
  if (!copied_back) return std::move(copied_back).error();
  int have = 0;
  {
    db::Database::Options options;
    options.create = false;
    options.plain = true;
    auto db = db::Database::open(file, options);
    if (!db) return std::move(db).error();
    have = db::schema_version(**db);
    if (auto failure = (*db)->forgive()) return damaged(file, failure->text());
  }
  if (have == schema().back().number) {
    const auto store = open_adopted(file, *copied_back, clock);
    if (!store) return store.error();
    return true;
  }
  if (*copied_back) tell_copied_back(file, **copied_back);
  auto sound = look_through(file, clock);
  if (!sound) return std::move(sound).error();
  return false;
}

}  // namespace kw::collector
