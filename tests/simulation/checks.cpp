#include "tests/simulation/checks.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/db/database.hpp"

namespace kw::simulation {
namespace {

using Broken = Ledger::Broken;

/// What the collector has of one epoch.
struct Stored {
  std::map<std::uint64_t, std::uint64_t> events;  ///< number → content
  struct Gap {
    std::uint64_t first;
    std::uint64_t end;
    std::string reason;
  };
  std::vector<Gap> gaps;
  std::uint64_t next = 1;  ///< the number that the next block must begin with

  const Gap* gap_at(std::uint64_t seq) const {
    const auto it =
        std::ranges::find_if(gaps, [&](const Gap& g) { return g.first <= seq && seq < g.end; });
    return it == gaps.end() ? nullptr : &*it;
  }
};

std::string at(int kiosk, std::uint64_t epoch, std::uint64_t seq) {
  return fmt::format("kiosk {} {:016x}/{}", kiosk, epoch, seq);
}

void take(const pb::Batch& batch, int kiosk, Stored& stored, Ledger& ledger) {
  if (batch.first() < stored.next) {
    ledger.violate(Broken::duplicated,
                   "I1: stored twice: " + at(kiosk, batch.epoch(), batch.first()));
  } else if (batch.first() > stored.next) {
    ledger.violate(Broken::unnamed_gap, "I2: nothing is said of " +
                                            at(kiosk, batch.epoch(), stored.next) +
                                            fmt::format(" to {}", batch.first() - 1));
  }
  auto seq = batch.first();
  for (const auto& item : batch.item()) {
    if (item.has_gap()) {
      stored.gaps.push_back({seq, seq + item.gap().count(), item.gap().reason()});
      seq += item.gap().count();
      continue;
    }
    stored.events[seq++] = content_of(item.event());
  }
  if (seq != batch.last() + 1) {
    ledger.violate(Broken::out_of_order, "I2: a block's range is not what is in it: " +
                                             at(kiosk, batch.epoch(), batch.first()));
  }
  stored.next = std::max(stored.next, batch.last() + 1);
}

/// Whether the reason can be one: nothing is dropped without need.
bool excused(const Ledger::Kiosk& kiosk, const Stored::Gap& gap) {
  return kiosk.may_drop || (kiosk.may_not_keep && gap.reason == "not-kept");
}

void check_kiosk(int number, const Ledger::Kiosk& kiosk,
                 const std::map<std::uint64_t, Stored>& stored, Ledger& ledger,
                 Counters& counters) {
  static const Stored none;
  for (const auto& [epoch, entries] : kiosk.epochs) {
    const auto it = stored.find(epoch);
    const auto& have = it == stored.end() ? none : it->second;
    for (const auto& [seq, entry] : entries) {
      const auto event = have.events.find(seq);
      if (event != have.events.end()) {
        if (entry.content != 0 && event->second != entry.content) {
          ledger.violate(Broken::duplicated, "I4: two contents of " + at(number, epoch, seq));
        }
        continue;
      }
      if (have.gap_at(seq) != nullptr || entry.content == 0) continue;  // looked at below
      if (entry.replaced && (!entry.stored_then || ledger.collector_restored)) continue;
      // An epoch of which nothing is kept any more is not listed, so no gap can stand for it.
      if (kiosk.may_not_keep && ledger.collector_restored) continue;
      ledger.violate(Broken::lost, "I1: never stored: " + at(number, epoch, seq));
    }
    for (const auto& gap : have.gaps) {
      ++counters.gaps;
      if (excused(kiosk, gap)) continue;
      ledger.violate(Broken::lost,
                     fmt::format("I1: a gap \"{}\" without need: {} to {}", gap.reason,
                                 at(number, epoch, gap.first), gap.end - 1));
    }
  }
  for (const auto& [epoch, have] : stored) {
    const auto it = kiosk.epochs.find(epoch);
    for (const auto& [seq, content] : have.events) {
      if (it != kiosk.epochs.end() && it->second.contains(seq)) continue;
      ledger.violate(Broken::other, "I4: stored and never written: " + at(number, epoch, seq));
    }
  }
}

void check_orders(db::Database& db, Ledger& ledger) {
  for (const auto row :
       db.rows("SELECT o.terminal, o.subject, o.code, count(*) FROM work_order o GROUP BY "
               "o.terminal, o.fault_id HAVING count(*) > 1")) {
    const int kiosk = static_cast<int>(row.integer(0)) - 1;
    if (ledger.of(kiosk).restored) continue;  // a fault that was over by its older copy goes on
    ledger.violate(Broken::other, fmt::format("I7: {} orders for one fault: {} on kiosk {}'s {}",
                                              row.integer(3), row.text(2), kiosk, row.text(1)));
  }
}

/// The board shows what is.
void check_devices(db::Database& db, Ledger& ledger) {
  for (const auto row : db.rows("SELECT terminal, device, status FROM device")) {
    const int kiosk = static_cast<int>(row.integer(0)) - 1;
    const auto& written = ledger.of(kiosk).written;
    const auto it = written.find(row.text(1));
    if (it == written.end()) continue;
    pb::Status shown;
    shown.ParseFromString(row.text(2));
    const auto codes = [](const pb::Status& status) {
      std::vector<std::string> out;
      for (const auto& c : status.condition()) out.push_back(c.code() + " " + c.detail());
      return out;
    };
    if (codes(shown) == codes(it->second)) continue;
    ledger.violate(Broken::other, fmt::format("the board shows kiosk {}'s {} otherwise than it is",
                                              kiosk, row.text(1)));
  }
}

}  // namespace

void check_store(const std::filesystem::path& database, Ledger& ledger, Counters& counters) {
  auto opened = db::Database::open(database, {});
  if (!opened) {
    ledger.violate(Broken::start_failure, "I5: " + opened.error().text());
    return;
  }
  auto& db = **opened;
  std::map<int, std::map<std::uint64_t, Stored>> all;
  for (const auto row : db.rows(
           "SELECT terminal, epoch, first_seq, body FROM event_block UNION ALL SELECT terminal, "
           "epoch, first_seq, body FROM quarantined_batch ORDER BY 1, 2, 3")) {
    const int kiosk = static_cast<int>(row.integer(0)) - 1;
    pb::Batch batch;
    if (!batch.ParseFromString(row.text(3))) {
      ledger.violate(Broken::other, "a block cannot be read");
      continue;
    }
    take(batch, kiosk, all[kiosk][row.unsigned_integer(1)], ledger);
  }
  for (std::size_t i = 0; i < ledger.kiosks().size(); ++i) {
    const int kiosk = static_cast<int>(i);
    check_kiosk(kiosk, ledger.of(kiosk), all[kiosk], ledger, counters);
  }
  check_orders(db, ledger);
  check_devices(db, ledger);
  if (db.failure()) ledger.violate(Broken::other, db.failure()->text());
}

}  // namespace kw::simulation
