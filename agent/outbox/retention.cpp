#include "agent/outbox/retention.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include <sqlite3.h>

#include "agent/outbox/file.hpp"

namespace kw::agent {
namespace {

constexpr std::int64_t page_bytes = 4'096;
constexpr std::int64_t pruned_at_once = 512;
constexpr auto any_age = std::numeric_limits<std::int64_t>::max();
constexpr auto readers_patience =
    std::chrono::milliseconds{200};  // `kioskctl` reads in short pieces
constexpr std::string_view reason = "ceiling";

constexpr std::array all_sweeps{
    Sweep{.thin = 1, .rank = 0}, Sweep{.thin = 2, .rank = 0}, Sweep{.thin = 3, .rank = 0},
    Sweep{.thin = 0, .rank = 0}, Sweep{.thin = 0, .rank = 1}, Sweep{.thin = 0, .rank = 2},
    Sweep{.thin = 0, .rank = 3}, Sweep{.thin = 0, .rank = 4}, Sweep{.thin = 0, .rank = 9},
};

/// Whose samples these are: thinning takes turns within one device, not across devices.
std::string subject(const Record& record) {
  pb::Event event;
  if (!event.ParseFromString(record.body)) return {};
  return event.sample().device();
}

bool dropped(Record& record, const Sweep& sweep, std::map<std::string, unsigned>& turns) {
  if (record.gap()) return false;
  const auto& row = wire::row(record.event_class);
  if (row.drop_rank != sweep.rank) return false;
  if (sweep.thin == 0) return true;
  if (!row.thinned || record.thinned >= sweep.thin) return false;
  const unsigned one_in = 1U << (sweep.thin - record.thinned);
  const unsigned turn = turns[subject(record)]++;
  if (turn % one_in != 0) return true;
  record.thinned = sweep.thin;
  return false;
}

}  // namespace

std::span<const Sweep> sweeps() { return all_sweeps; }

std::vector<Record> swept(std::vector<Record> rows, const Sweep& sweep) {
  std::vector<Record> out;
  std::map<std::string, unsigned> turns;
  for (auto& row : rows) {
    Record kept = dropped(row, sweep, turns) ? gap_record(row, reason) : std::move(row);
    if (!out.empty() && merge(out.back(), kept)) continue;
    out.push_back(std::move(kept));
  }
  return out;
}

Retention::Retention(db::Database& db, std::filesystem::path folder, std::int64_t ceiling)
    : db_(db),
      folder_(std::move(folder)),
      ceiling_(ceiling),
      chunk_bytes_(static_cast<std::size_t>(
          std::clamp<std::int64_t>(ceiling / 64, 16 * 1'024, 256 * 1'024))) {}

std::int64_t Retention::live() const {
  const auto free = db_.integer("PRAGMA freelist_count").value_or(0);
  const auto pages = db_.integer("PRAGMA page_count").value_or(0);
  return (pages - free) * page_bytes;
}

std::int64_t Retention::used() const {
  std::error_code missing;
  auto beside = bytes_on_disk(folder_);
  const auto file = std::filesystem::file_size(folder_ / outbox_name, missing);
  if (!missing) beside -= static_cast<std::int64_t>(file);
  return live() + beside;
}

std::int64_t Retention::prune(const Epoch& epoch, std::int64_t most, std::int64_t before_mono_us) {
  // Whole rows only: a gap that reaches past the mark stays.
  std::int64_t gone = 0;
  std::optional<std::uint64_t> bound;
  for (const db::Row row :
       db_.rows("SELECT seq, count, mono_us FROM record WHERE ordinal=$1 AND seq<=$2 "
                "ORDER BY seq LIMIT $3",
                epoch.ordinal, epoch.acked, std::min(most, pruned_at_once))) {
    if (row.unsigned_integer(0) + row.unsigned_integer(1) - 1 > epoch.acked) break;
    if (row.integer(2) >= before_mono_us) break;
    bound = row.unsigned_integer(0);
    ++gone;
  }
  if (!bound) return 0;
  db_.run("DELETE FROM record WHERE ordinal=$1 AND seq<=$2", epoch.ordinal, *bound);
  return db_.failure() ? 0 : gone;
}

bool Retention::prune_any(std::span<const Epoch> epochs) {
  return std::ranges::any_of(
      epochs, [&](const Epoch& epoch) { return prune(epoch, pruned_at_once, any_age) > 0; });
}

bool Retention::sweep_chunk(std::int64_t ordinal, std::uint64_t from) {
  std::vector<Record> rows;
  std::size_t bytes = 0;
  for (const db::Row row : db_.rows("SELECT " KW_RECORD_COLUMNS
                                    " FROM record WHERE ordinal=$1 AND seq>=$2 ORDER BY seq",
                                    ordinal, from)) {
    if (auto record = read_record(row)) {
      rows.push_back(std::move(*record));
    } else {
      auto lost =
          gap_record(ordinal, row.unsigned_integer(1),
                     std::max<std::uint64_t>(row.unsigned_integer(2), 1), {}, "damaged", 0, 0);
      rows.push_back(std::move(lost));
    }
    bytes += 64 + row.bytes(7).size();
    if (bytes >= chunk_bytes_) break;
  }
  if (rows.empty() || db_.failure()) return false;
  const auto first = rows.front().seq;
  const auto last = rows.back().seq;
  at_ordinal_ = ordinal;
  at_seq_ = rows.back().end();
  const auto after = swept(rows, all_sweeps[sweep_]);
  if (after == rows) return true;  // nothing here belongs to this sweep
  // Rewritten as one run: rows dropped one by one would leave half-empty pages behind.
  db::Transaction transaction{db_};
  db_.run("DELETE FROM record WHERE ordinal=$1 AND seq>=$2 AND seq<=$3", ordinal, first, last);
  for (const auto& record : after) insert(db_, record);
  const auto done = transaction.commit();
  return static_cast<bool>(done);
}

bool Retention::sweep_some(std::span<const Epoch> epochs) {
  while (sweep_ < all_sweeps.size()) {
    for (const auto& epoch : epochs) {
      if (epoch.ordinal < at_ordinal_) continue;
      const std::uint64_t from = epoch.ordinal == at_ordinal_ ? at_seq_ : 0;
      if (sweep_chunk(epoch.ordinal, from)) return true;
      if (db_.failure()) return false;
    }
    ++sweep_;
    at_ordinal_ = 0;
    at_seq_ = 0;
  }
  sweep_ = 0;  // what is written from now on is swept from the mildest step again
  return false;
}

bool Retention::cut_log(std::chrono::milliseconds patience) {
  const auto usual = db_.integer("PRAGMA busy_timeout").value_or(0);
  sqlite3_busy_timeout(db_.handle(), static_cast<int>(patience.count()));
  const auto held = db_.integer("PRAGMA wal_checkpoint(TRUNCATE)").value_or(0);
  sqlite3_busy_timeout(db_.handle(), static_cast<int>(usual));
  return held == 0;
}

bool Retention::make_room(std::span<const Epoch> epochs, std::int64_t more) {
  const std::int64_t air = std::max<std::int64_t>(ceiling_ / 50, 8 * page_bytes);
  const auto enough = [&] { return used() + more + air <= threshold(); };
  if (log_held_) log_held_ = !cut_log({});
  while (!log_held_ && !db_.failure()) {
    if (enough()) return true;
    const auto before = used();
    if (!prune_any(epochs) && !sweep_some(epochs)) {
      // A second look: the log shrinks only at a checkpoint.
      cut_log(readers_patience);
      return !db_.failure() && fits(more);
    }
    // What is freed stands in the log first. While somebody reads the log it only grows: dropping
    // more would cost events and free nothing.
    if (used() > before) log_held_ = !cut_log(readers_patience);
  }
  return !db_.failure() && bytes_on_disk(folder_) + more <= ceiling_;
}

}  // namespace kw::agent
