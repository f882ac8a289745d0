#include "agent/outbox/inspect.hpp"

#include <algorithm>
#include <system_error>

#include <sqlite3.h>

#include "agent/outbox/file.hpp"
#include "agent/outbox/record.hpp"

namespace kw::agent {
namespace {

namespace fs = std::filesystem;
using What = OutboxDamage::What;

constexpr std::size_t damage_most = 100;
constexpr std::int64_t rows_at_once = 512;

class Inspector {
 public:
  Inspector(db::Database& db, OutboxInspection& out) : db_(db), out_(out) {}

  void run() {
    const auto verdict = db_.text("PRAGMA integrity_check(1)");
    if (pages_failed()) return;
    if (verdict != "ok") found({.what = What::pages, .detail = verdict.value_or("")});
    for (const db::Row row :
         db_.rows("SELECT ordinal, epoch, acked, last FROM epoch ORDER BY ordinal")) {
      ordinals_.push_back(row.integer(0));
      out_.epochs.push_back(
          {row.unsigned_integer(1), 0, row.unsigned_integer(2), row.unsigned_integer(3), 0});
    }
    for (std::size_t i = 0; i < ordinals_.size() && !db_.failure(); ++i) {
      records(ordinals_[i], out_.epochs[i]);
    }
    for (const db::Row row : db_.rows("SELECT name, status, identity, crc FROM device")) {
      if (static_cast<std::uint32_t>(row.integer(3)) == checksum(row.text(1) + row.text(2))) {
        continue;
      }
      found({.what = What::device, .detail = row.text(0)});
    }
    for (const db::Row row : db_.rows("SELECT device, type, body, crc FROM supply")) {
      if (static_cast<std::uint32_t>(row.integer(3)) == checksum(row.text(2))) continue;
      found({.what = What::supply, .detail = row.text(0) + " " + row.text(1)});
    }
    pages_failed();
  }

 private:
  void found(OutboxDamage damage) {
    if (out_.damage.size() < damage_most) out_.damage.push_back(std::move(damage));
  }

  bool pages_failed() {
    const auto failure = db_.forgive();
    if (failure) found({.what = What::pages, .detail = failure->text()});
    return failure.has_value();
  }

  /// In short pieces, each of one moment: as long as somebody reads, the agent's log only grows.
  void records(std::int64_t ordinal, OutboxInspection::Epoch& epoch) {
    std::uint64_t next = 0;  // 0: no row was seen yet
    for (bool more = true; more && !db_.failure();) {
      db_.script("BEGIN");
      more = marks(ordinal, epoch) && piece(ordinal, epoch, next);
      db_.script("COMMIT");
    }
    if (epoch.acked > epoch.last) {
      found({What::marks, epoch.epoch, epoch.last + 1, epoch.acked - epoch.last, {}});
    }
  }

  /// False when the agent has forgotten the epoch meanwhile.
  bool marks(std::int64_t ordinal, OutboxInspection::Epoch& epoch) {
    for (const db::Row row : db_.rows("SELECT acked, last FROM epoch WHERE ordinal=$1", ordinal)) {
      epoch.acked = row.unsigned_integer(0);
      epoch.last = row.unsigned_integer(1);
      return true;
    }
    return false;
  }

  /// Looks at some rows from `next` on and moves it on. False at the end.
  bool piece(std::int64_t ordinal, OutboxInspection::Epoch& epoch, std::uint64_t& next) {
    const auto first = static_cast<std::uint64_t>(
        db_.integer("SELECT min(seq) FROM record WHERE ordinal=$1", ordinal).value_or(0));
    if (first > next) {
      // Before the first row: acknowledged and pruned, or it should be there.
      if (next == 0) epoch.first_kept = first;
      next = next == 0 ? std::min(first, epoch.acked + 1)
                       : std::max(next, std::min(first, epoch.acked + 1));
    }
    // What stands there now may have begun before: a gap that has taken in rows seen already.
    const auto from =
        db_.integer("SELECT max(seq) FROM record WHERE ordinal=$1 AND seq<=$2", ordinal, next)
            .value_or(static_cast<std::int64_t>(next));
    std::int64_t rows = 0;
    for (const db::Row row :
         db_.rows("SELECT " KW_RECORD_COLUMNS
                  " FROM record WHERE ordinal=$1 AND seq>=$2 ORDER BY seq LIMIT $3",
                  ordinal, from, rows_at_once)) {
      ++rows;
      look_at(row, epoch, next);
    }
    if (rows == rows_at_once || db_.failure()) return true;
    if (next == 0) {
      epoch.first_kept = epoch.last + 1;
      next = epoch.acked + 1;
    }
    if (next <= epoch.last) found({What::tail, epoch.epoch, next, epoch.last + 1 - next, {}});
    return false;
  }

  void look_at(const db::Row& row, OutboxInspection::Epoch& epoch, std::uint64_t& next) {
    const auto seq = row.unsigned_integer(1);
    if (seq > next) found({What::hole, epoch.epoch, next, seq - next, {}});
    const auto record = read_record(row);
    if (!record || record->count == 0) {
      if (seq >= next) found({What::record, epoch.epoch, seq, 1, {}});
      next = std::max(next, seq + 1);
      return;
    }
    if (record->end() <= next) return;  // seen already
    const auto unseen = record->end() - std::max(seq, next);
    next = record->end();
    if (!record->gap()) {
      ++epoch.events;
      return;
    }
    pb::Gap gap;
    gap.ParseFromString(record->body);
    out_.gaps[gap.reason()] += unseen;
  }

  db::Database& db_;
  OutboxInspection& out_;
  std::vector<std::int64_t> ordinals_;
};

}  // namespace

Result<OutboxInspection> inspect_outbox(const fs::path& folder, std::int64_t ceiling) {
  const auto file = folder / outbox_name;
  std::error_code none;
  if (!fs::exists(file, none)) return Error{Errc::missing, file.string()};
  OutboxInspection out;
  out.ceiling = ceiling;
  out.bytes = bytes_on_disk(folder);
  for (const auto& entry : fs::directory_iterator{folder, none}) {
    const auto name = entry.path().filename().string();
    const bool part = name.ends_with("-wal") || name.ends_with("-shm");
    if (part) continue;
    if (name.starts_with("outbox.damaged-") || name.starts_with("outbox.newer-")) {
      out.put_aside.push_back(name);
    }
  }
  std::ranges::sort(out.put_aside);
  if (out.bytes > ceiling) {
    out.damage.push_back({What::size,
                          0,
                          static_cast<std::uint64_t>(out.bytes),
                          static_cast<std::uint64_t>(ceiling),
                          {}});
  }
  db::Database::Options options;
  options.read_only = true;
  auto db = db::Database::open(file, options);
  if (!db && db.error().code() == Errc::garbled) {
    out.damage.push_back({.what = What::pages, .detail = db.error().text()});
    return out;
  }
  if (!db) return std::move(db).error();
  // Whether it can be read at all: no rights and no database look alike further on.
  (*db)->integer("SELECT count(*) FROM sqlite_master");
  const int code = (*db)->failure_code() & 0xff;
  if (auto failure = (*db)->forgive()) {
    if (code != SQLITE_CORRUPT && code != SQLITE_NOTADB) return std::move(*failure);
    out.damage.push_back({.what = What::pages, .detail = failure->text()});
    return out;
  }
  Inspector{**db, out}.run();
  return out;
}

}  // namespace kw::agent
