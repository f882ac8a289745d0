#include "collector/backup.hpp"

#include <array>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <openssl/evp.h>

#include "collector/backup_record.hpp"
#include "collector/store/sqlite/opening.hpp"
#include "collector/store_place.hpp"
#include "collector/trial_folder.hpp"
#include "common/db/copy.hpp"
#include "common/platform/files.hpp"
#include "common/platform/folder_lock.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

fs::path beside(fs::path file, std::string_view suffix) {
  file += suffix;
  return file;
}

void remove_database(const fs::path& file) {
  std::error_code none;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"})
    fs::remove(beside(file, suffix), none);
}

/// A copy that goes away unless it is kept.
class Scratch {
 public:
  explicit Scratch(fs::path file) : file_(std::move(file)) { remove_database(file_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { remove_database(file_); }
  const fs::path& file() const { return file_; }

 private:
  fs::path file_;
};

class Stopwatch {
 public:
  explicit Stopwatch(const Clock& clock) : clock_(clock), begun_(clock.mono()) {}
  std::int64_t ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock_.mono() - begun_).count();
  }

 private:
  const Clock& clock_;
  MonoTime begun_;
};

Result<std::string> sha256_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest{EVP_MD_CTX_new(),
                                                                       &EVP_MD_CTX_free};
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  std::vector<char> chunk(256 * 1024);
  while (in) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    EVP_DigestUpdate(digest.get(), chunk.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (!in.eof()) return Error{Errc::storage, file.string() + ": cannot be read to its end"};
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_DigestFinal_ex(digest.get(), bytes.data(), &size);
  std::string out;
  for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", bytes[i]);
  return out;
}

fs::path checksum_file(const fs::path& file) { return beside(file, ".sha256"); }

/// Nothing when there is no checksum beside the file, or it is right.
std::optional<std::string> wrong_checksum(const fs::path& file, const std::string& sha256) {
  const auto kept = platform::read_file(checksum_file(file));
  if (!kept || kept->substr(0, sha256.size()) == sha256) return std::nullopt;
  return "the checksum is not the one in " + checksum_file(file).filename().string();
}

std::int64_t size_of(const fs::path& file) {
  std::error_code none;
  const auto size = fs::file_size(file, none);
  return none ? 0 : static_cast<std::int64_t>(size);
}

std::string full_name(const fs::path& file) {
  std::error_code none;
  const auto full = fs::absolute(file, none);
  return none ? file.string() : full.lexically_normal().string();
}

/// The mark, and every page and index read.
Result<void> finish_copy(const fs::path& file) {
  db::Database::Options options;
  options.create = false;
  options.plain = true;
  auto db = db::Database::open(file, options);
  if (!db) return std::move(db).error();
  (*db)->script(fmt::format("PRAGMA application_id={}", backup_mark));
  if (auto failure = (*db)->forgive()) return std::move(*failure);
  const auto verdict = db::integrity(**db);
  if (verdict == "ok") return {};
  return Error{Errc::storage, verdict + std::string{damaged_advice}};
}

/// What a store needs before it is read beside a collector, when none runs.
Result<void> settle(const fs::path& data, const Clock& clock) {
  auto lock = platform::FolderLock::take(data);
  if (!lock && lock.error().code() == Errc::busy) return {};
  if (!lock) return std::move(lock).error();
  const auto settled = settle_store(data, clock);
  if (!settled) return settled.error();
  return {};
}

Result<void> copied(const fs::path& from, const fs::path& to) {
  std::error_code failed;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, failed);
  if (failed) {
    return Error{Errc::storage,
                 from.string() + ": cannot be copied to " + to.string() + ": " + failed.message()};
  }
  // A backup may be read-only, or for everybody to read; the store is neither.
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, failed);
  return {};
}

/// The copy on which a trial is made. A log beside `file` is part of it.
Result<TrialReport> try_on(const Scratch& copy, const fs::path& file, const Clock& clock) {
  const Stopwatch watch{clock};
  TrialReport out;
  out.file = file;
  std::error_code none;
  if (!fs::exists(file, none)) return Error{Errc::missing, file.string() + " does not exist"};
  auto taken = copied(file, copy.file());
  if (!taken) return std::move(taken).error();
  if (!is_backup(file) && size_of(beside(file, "-wal")) > 0) {
    taken = copied(beside(file, "-wal"), beside(copy.file(), "-wal"));
    if (!taken) return std::move(taken).error();
  }
  auto sum = sha256_of(copy.file());
  if (!sum) return std::move(sum).error();
  out.sha256 = *sum;
  out.bytes = size_of(copy.file());
  auto facts = inspect_store(copy.file(), clock);
  if (!facts) return std::move(facts).error().within(file.string());
  out.facts = std::move(*facts);
  if (auto wrong = wrong_checksum(file, out.sha256)) out.facts.wrong.push_back(std::move(*wrong));
  out.ms = watch.ms();
  return out;
}

std::string detail_of(const StoreFacts& facts, std::int64_t bytes, const std::string& sha256,
                      std::int64_t ms) {
  json::object out{{"bytes", bytes},
                   {"sha256", sha256},
                   {"ms", ms},
                   {"schema", facts.schema},
                   {"events", facts.events},
                   {"faults", facts.faults},
                   {"orders", facts.orders},
                   {"terminals", facts.terminals},
                   {"verified", facts.wrong.empty()}};
  if (facts.newest_event) out["newest_event"] = rfc3339(*facts.newest_event);
  return json::serialize(out);
}

BackupRecord record_of(const char* action, const TrialReport& trial, const std::string& who) {
  return {.action = action,
          .who = who,
          .file = full_name(trial.file),
          .result = trial.facts.wrong.empty() ? "ok" : trial.facts.wrong.front(),
          .detail = detail_of(trial.facts, trial.bytes, trial.sha256, trial.ms)};
}

/// From the store that is here, if it is sound; from the one put aside last when there is none: a
/// restore may have been interrupted, or the file is lost.
Result<CarriedOver> carry(const fs::path& data, const fs::path& from, const fs::path& into,
                          const Clock& clock) {
  if (from.empty()) return Error{Errc::missing, "there was no database here"};
  if (from == store_file(data)) {
    if (auto present = open_store(data, clock); !present) return std::move(present).error();
  } else if (auto was = SqliteStore::open_existing(from); !was) {
    return std::move(was).error();
  }
  return carry_over(from, into);
}

}  // namespace

Result<BackupReport> make_backup(const fs::path& data, const fs::path& to, const std::string& who,
                                 const Clock& clock) {
  const Stopwatch watch{clock};
  const auto exists = [&]() -> bool {
    std::error_code none;
    return fs::exists(to, none) || fs::exists(checksum_file(to), none);
  };
  const Error there{Errc::refused, to.string() +
                                       " exists already and is left as it is: give "
                                       "another name"};
  if (exists()) return there;
  auto settled = settle(data, clock);
  if (!settled) return std::move(settled).error();
  const Scratch part{beside(to, ".part")};
  auto pages = db::copy_online(store_file(data), part.file());
  if (!pages) return std::move(pages).error();
  auto finished = finish_copy(part.file());
  if (!finished) return std::move(finished).error();
  BackupReport out;
  out.file = to;
  out.pages = pages->count;
  auto facts = store_facts(part.file());
  if (!facts) return std::move(facts).error();
  out.facts = std::move(*facts);
  auto sum = sha256_of(part.file());
  if (!sum) return std::move(sum).error();
  out.sha256 = *sum;
  out.bytes = size_of(part.file());
  auto synced = platform::sync_file(part.file());
  if (!synced) return std::move(synced).error();
  if (exists()) return there;
  auto named = platform::rename_file(part.file(), to);
  if (!named) return std::move(named).error();
  auto summed = platform::write_file(checksum_file(to),
                                     out.sha256 + "  " + to.filename().string() + "\n", true);
  if (!summed) return std::move(summed).error();
  out.ms = watch.ms();
  out.recorded = record(data,
                        {.action = "store.backup",
                         .who = who,
                         .file = full_name(to),
                         .result = "ok",
                         .detail = detail_of(out.facts, out.bytes, out.sha256, out.ms)},
                        clock);
  return out;
}

Result<TrialReport> try_backup(const fs::path& data, const fs::path& file, const std::string& who,
                               const Clock& clock) {
  const auto folder = TrialFolder::make(data);
  if (!folder) return folder.error();
  const Scratch copy{(*folder)->path() / "collector.db"};
  auto trial = try_on(copy, file, clock);
  if (!trial) {
    record(data,
           {.action = "store.verify",
            .who = who,
            .file = full_name(file),
            .result = trial.error().text(),
            .detail = {}},
           clock);
    return trial;
  }
  trial->recorded = record(data, record_of("store.verify", *trial, who), clock);
  return trial;
}

Result<RestoreReport> restore_backup(const fs::path& data, const fs::path& file,
                                     const std::string& who, const Clock& clock) {
  auto lock = platform::FolderLock::take(data);
  if (!lock) return std::move(lock).error();
  const auto store = store_file(data);
  const Scratch copy{beside(store, ".restoring")};
  RestoreReport out;
  auto trial = try_on(copy, file, clock);
  if (!trial) return std::move(trial).error();
  out.trial = std::move(*trial);
  if (!out.trial.facts.wrong.empty()) {
    return Error{Errc::garbled, file.string() + ": " + out.trial.facts.wrong.front()};
  }
  std::error_code none;
  out.carried_from = fs::exists(store, none) ? store : newest_aside(store);
  auto carried = carry(data, out.carried_from, copy.file(), clock);
  if (carried) out.carried = *carried;
  if (!carried) out.not_carried = carried.error().text();
  {
    // The record travels with the store that it is of.
    auto opened = SqliteStore::open(copy.file());
    if (!opened) return std::move(opened).error();
    const auto what = record_of("store.restore", out.trial, who);
    auto noted = (*opened)->transact([&] { (*opened)->audit(what.entry(clock.wall())); });
    if (!noted) return std::move(noted).error();
  }
  auto marked = put_on_mark(copy.file());
  if (!marked) return std::move(marked).error();
  if (size_of(beside(copy.file(), "-wal")) > 0) {
    return Error{Errc::storage, "the log of the copy cannot be closed"};
  }
  auto synced = platform::sync_file(copy.file());
  if (!synced) return std::move(synced).error();
  auto placed = place_store(copy.file(), store, clock);
  if (!placed) return std::move(placed).error();
  out.aside = std::move(placed->aside);
  out.unfinished = std::move(placed->unfinished);
  if (out.carried_from == store) out.carried_from = out.aside;
  out.trial.recorded = {true};
  return out;
}

}  // namespace kw::collector
