// What the outbox lets go of when nobody may ask for it any more.
#include <algorithm>
#include <limits>

#include "agent/outbox/outbox.hpp"

namespace kw::agent {
namespace {

constexpr int prunes_at_once = 16;
constexpr std::int64_t prune_most = 512;
constexpr auto any_age = std::numeric_limits<std::int64_t>::max();

/// When the epoch's first event that is kept was seen.
std::optional<Seen> first_seen_in(db::Database& db, std::int64_t ordinal) {
  for (const db::Row row : db.rows("SELECT mono_us, wall_us FROM record WHERE ordinal=$1 AND "
                                   "class<>$2 ORDER BY seq LIMIT 1",
                                   ordinal, wire::EventClass::gap)) {
    return Seen{mono_from(row.integer(0)), wall_from(row.integer(1))};
  }
  return std::nullopt;
}

}  // namespace

/// When the epoch's last event was seen; of one with gaps alone, its last gap's first.
std::optional<Seen> Outbox::last_seen_in(std::int64_t ordinal) {
  for (const char* of : {" AND class<>$2", " AND class=$2"}) {
    for (const db::Row row :
         file_.db->rows(std::string{"SELECT mono_us, wall_us FROM record WHERE ordinal=$1"} + of +
                            " ORDER BY seq DESC LIMIT 1",
                        ordinal, wire::EventClass::gap)) {
      return Seen{mono_from(row.integer(0)), wall_from(row.integer(1))};
    }
  }
  return std::nullopt;
}

/// By epoch: rows from before this reading of the monotonic clock of their boot are older than
/// acknowledged events are kept. The wall clock, which may jump, is asked of nothing within a boot.
/// An earlier boot's last event is as old as the collector's time says, if it was told in both
/// boots; otherwise it is at least as old as whatever came after it, and as this boot. Where the
/// clock jumped after the collector was heard last, what came before would be younger than what
/// came after it: then the younger age counts.
std::vector<std::int64_t> Outbox::kept_from(const Seen& now) {
  const auto keep = std::chrono::duration_cast<Duration>(options_.acked_for).count();
  std::vector<std::int64_t> out(epochs_.size(), std::numeric_limits<std::int64_t>::min());
  std::vector<std::optional<Seen>> last(epochs_.size());
  std::vector<std::optional<std::int64_t>> told(epochs_.size());
  std::int64_t youngest = any_age;
  for (std::size_t i = 0; i < epochs_.size(); ++i) {
    const auto& e = epochs_[i];
    if (e.boot_id == current().boot_id) continue;
    last[i] = last_seen_in(e.ordinal);
    if (!last[i] || !contact_ || !e.offset) continue;
    const auto collectors_now = micros(contact_->wall + (now.mono - contact_->mono));
    youngest = std::min(youngest, collectors_now - (micros(last[i]->wall) + *e.offset));
    if (const auto first = first_seen_in(*file_.db, e.ordinal)) {
      const auto between = micros(last[i]->mono) - micros(first->mono);
      youngest = std::min(youngest, collectors_now - (micros(first->wall) + *e.offset) - between);
    }
    told[i] = youngest;
  }
  std::int64_t age = micros(now.mono);
  for (std::size_t i = epochs_.size(); i-- > 0;) {
    if (epochs_[i].boot_id == current().boot_id) {
      out[i] = micros(now.mono) - keep;
      continue;
    }
    if (!last[i]) continue;
    if (told[i]) age = std::max(age, *told[i]);
    out[i] = micros(last[i]->mono) + age - keep;
  }
  return out;
}

void Outbox::prune(const Seen& now) {
  auto& db = *file_.db;
  std::uint64_t kept = 0;
  std::uint64_t acked = 0;
  for (const auto& e : epochs_) {
    const auto first = std::min(first_kept(e), e.last + 1);
    kept += e.last + 1 - first;
    acked += e.acked + 1 > first ? e.acked + 1 - first : 0;
  }
  // Rows are of one size on average: how many more than may be kept for replay are there?
  const auto each =
      kept == 0 ? 1
                : std::max<std::int64_t>(retention_->live() / static_cast<std::int64_t>(kept), 1);
  auto surplus = static_cast<std::int64_t>(acked) - options_.acked_bytes / each;
  const auto before = kept_from(now);
  int rounds = 0;
  for (std::size_t i = 0; i < epochs_.size(); ++i) {
    const auto& e = epochs_[i];
    while (rounds < prunes_at_once && !db.failure()) {
      auto gone = retention_->prune({e.ordinal, e.acked}, prune_most, before[i]);
      if (gone == 0 && surplus > 0) {
        gone = retention_->prune({e.ordinal, e.acked}, surplus, any_age);
      }
      if (gone == 0) break;
      surplus -= gone;
      ++rounds;
    }
  }
  if (db.integer("PRAGMA freelist_count").value_or(0) * 4 >
      db.integer("PRAGMA page_count").value_or(0)) {
    db.run("PRAGMA incremental_vacuum(256)");
  }
  prune_commands(now.wall);
  prune_told(now.wall);
  settle_writes();
  forget_epochs();
  keep_reserve();
}

}  // namespace kw::agent
