// The epochs of an outbox: begun, named, forgotten.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/outbox/epoch_name.hpp"
#include "agent/outbox/outbox.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t epochs_most = 500;  // far below what one Hello may list
constexpr std::size_t names_kept = 32;    // a month of a kiosk that is started every morning

}  // namespace

void Outbox::name_epoch(const EpochRow& e) {
  put_meta(epoch_key(e.ordinal), write_epoch_name(e.ordinal, {e.epoch, e.boot_id}));
}

void Outbox::correct_epoch(EpochRow& e) {
  const auto kept = file_.db->text("SELECT value FROM meta WHERE key=$1", epoch_key(e.ordinal));
  auto name = read_epoch_name(e.ordinal, kept.value_or(""));
  if (!name || (name->epoch == e.epoch && name->boot_id == e.boot_id)) return;
  log::warning("outbox-epoch-corrected", {{"epoch", e.epoch}, {"to", name->epoch}});
  notes_.push_back({"outbox-epoch-corrected", fmt::format("{} is {}", e.epoch, name->epoch)});
  e.epoch = name->epoch;
  e.boot_id = std::move(name->boot_id);
  file_.db->run("UPDATE epoch SET epoch=$2, boot_id=$3 WHERE ordinal=$1", e.ordinal, e.epoch,
                db::blob(e.boot_id));
}

void Outbox::delete_epoch(std::int64_t ordinal) {
  file_.db->run("DELETE FROM epoch WHERE ordinal=$1", ordinal);
  file_.db->run("DELETE FROM meta WHERE key=$1", epoch_key(ordinal));
}

void Outbox::begin_epoch(std::string boot_id, std::uint64_t epoch) {
  EpochRow row;
  row.ordinal = epochs_.empty() ? 1 : epochs_.back().ordinal + 1;
  row.epoch = epoch;
  row.boot_id = std::move(boot_id);
  epochs_.push_back(std::move(row));
  auto& db = *file_.db;
  db::Transaction transaction{db};
  write_epoch(current());
  name_epoch(current());
  put_meta("boot_id", current().boot_id);
  put_meta("clean", "0");
  if (const auto done = transaction.commit(); !done) {
    log::warning("outbox-write-failed", {{"reason", done.error()}});  // written with the next event
  }
}

void Outbox::drop_excess_epochs() {
  forget_epochs();
  std::uint64_t lost = 0;
  auto& db = *file_.db;
  while (epochs_.size() > epochs_most) {
    // Those that the collector has whole go first; the current one never.
    const auto done = [](const EpochRow& e) { return e.acked == e.last; };
    auto victim = std::find_if(epochs_.begin(), std::prev(epochs_.end()), done);
    if (victim == std::prev(epochs_.end())) victim = epochs_.begin();
    const EpochRow oldest = *victim;
    lost += oldest.last - oldest.acked;
    db.run("DELETE FROM record WHERE ordinal=$1", oldest.ordinal);
    delete_epoch(oldest.ordinal);
    for (auto it = devices_.begin(); it != devices_.end();) {
      // Its beginning can no longer be named: the next poll begins it anew.
      it = names_epoch(it->second.status, oldest.epoch) ? devices_.erase(it) : std::next(it);
    }
    epochs_.erase(victim);
  }
  db.forgive();
  if (lost > 0) notes_.push_back({"epochs-dropped", fmt::format("{} events", lost)});
}

/// Epochs of which nothing is kept, nothing waits and nothing began are not listed any more, but
/// for the last `names_kept`: a collector that was put back to before them must learn how many of
/// their events it will never have.
void Outbox::forget_epochs() {
  const auto named = [&](std::uint64_t epoch) {
    return std::ranges::any_of(
        devices_, [&](const auto& entry) { return names_epoch(entry.second.status, epoch); });
  };
  std::size_t names = 0;
  for (auto it = epochs_.end() - 1; it != epochs_.begin();) {
    --it;
    const bool done = it->acked == it->last && first_kept(*it) > it->last && !named(it->epoch);
    if (!done || file_.db->failure()) continue;
    if (it->last > 0 && ++names <= names_kept) continue;
    delete_epoch(it->ordinal);
    it = epochs_.erase(it);
  }
  file_.db->forgive();
}

}  // namespace kw::agent
