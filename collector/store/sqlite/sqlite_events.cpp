// Which events are stored: the epochs with their high-water marks, and the blocks themselves.
#include "collector/store/sqlite/checked.hpp"
#include "collector/store/sqlite/rows.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"

namespace kw::collector {

using rows::bits;

EpochBook SqliteStore::epochs(TerminalKey terminal) {
  EpochBook out;
  for (const auto row : db_->rows(
           "SELECT epoch, epoch_no, seq, last_at FROM epoch WHERE terminal=$1 ORDER BY epoch_no",
           terminal)) {
    out.marks.push_back({row.unsigned_integer(0), row.integer(1), row.unsigned_integer(2),
                         wall_from(row.integer(3))});
  }
  out.next_no =
      db_->integer("SELECT next_epoch_no FROM terminal WHERE id=$1", terminal).value_or(1);
  return out;
}

std::uint64_t SqliteStore::stored_upto(TerminalKey terminal, std::uint64_t epoch) {
  const auto upto = db_->integer(
      "SELECT max(upto) FROM (SELECT max(last_seq) AS upto FROM event_block WHERE terminal=$1 AND "
      "epoch=$2 UNION ALL SELECT max(last_seq) FROM quarantined_batch WHERE terminal=$1 AND "
      "epoch=$2) "
      "AS both_tables",
      terminal, bits(epoch));
  return static_cast<std::uint64_t>(upto.value_or(0));
}

void SqliteStore::put_epochs(TerminalKey terminal, const EpochPlan& plan) {
  for (const auto& mark : plan.added) {
    db_->run("INSERT INTO epoch (terminal, epoch, epoch_no, seq, last_at) VALUES ($1,$2,$3,$4,$5)",
             terminal, bits(mark.epoch), mark.no, bits(mark.seq), micros(mark.last_at));
  }
  for (const auto epoch : plan.dropped) {
    db_->run("DELETE FROM epoch WHERE terminal=$1 AND epoch=$2", terminal, bits(epoch));
  }
  db_->run("UPDATE terminal SET next_epoch_no=$2 WHERE id=$1", terminal, plan.next_no);
}

bool SqliteStore::advance(TerminalKey terminal, std::uint64_t epoch, std::uint64_t from,
                          std::uint64_t to, WallTime last_at) {
  return db_
      ->integer(
          "UPDATE epoch SET seq=$4, last_at=$5 WHERE terminal=$1 AND epoch=$2 AND seq=$3 "
          "RETURNING 1",
          terminal, bits(epoch), bits(from), bits(to), micros(last_at))
      .has_value();
}

void SqliteStore::keep(const Block& b) {
  const auto body = with_check(b.body);
  db_->run(
      "INSERT INTO event_block (terminal, epoch, first_seq, last_seq, base_at, uncertain, "
      "first_at, "
      "last_at, received_at, body) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)",
      b.terminal, bits(b.epoch), bits(b.first), bits(b.last), micros(b.base_at), b.uncertain,
      micros(b.first_at), micros(b.last_at), micros(b.received_at), db::blob(body));
}

void SqliteStore::quarantine(const Block& b, std::string_view why) {
  db_->run(
      "INSERT INTO quarantined_batch (terminal, epoch, first_seq, last_seq, received_at, reason, "
      "body) VALUES ($1,$2,$3,$4,$5,$6,$7)",
      b.terminal, bits(b.epoch), bits(b.first), bits(b.last), micros(b.received_at), why,
      db::blob(b.body));
}

std::optional<EpochMark> SqliteStore::mark(TerminalKey terminal, std::uint64_t epoch) {
  std::optional<EpochMark> out;
  for (const auto row :
       db_->rows("SELECT epoch, epoch_no, seq, last_at FROM epoch WHERE terminal=$1 AND epoch=$2",
                 terminal, bits(epoch))) {
    out = EpochMark{row.unsigned_integer(0), row.integer(1), row.unsigned_integer(2),
                    wall_from(row.integer(3))};
  }
  return out;
}

}  // namespace kw::collector
