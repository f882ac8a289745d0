#include "tests/torture/store_rows.hpp"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "collector/store/sqlite/sqlite_queries.hpp"
#include "common/db/database.hpp"

namespace kw::torture {
namespace {

struct Table {
  std::string_view name;
  std::string_view key;
  std::string_view content;
};

constexpr std::array tables{
    Table{"terminal", "code", "id, created_at, next_epoch_no"},
    Table{"epoch", "terminal||'/'||epoch", "epoch_no, seq, last_at"},
    Table{"event_block", "terminal||'/'||epoch||'/'||first_seq", "last_seq, base_at, hex(body)"},
    Table{"quarantined_batch", "terminal||'/'||epoch||'/'||first_seq", "last_seq, reason"},
    Table{"device", "terminal||'/'||device", "epoch_no, seq, health, hex(status), hex(conditions)"},
    Table{"fault", "id", "terminal, subject, code, since_seq, opened_at, cleared_at, order_id"},
    Table{"work_order", "id", "number, fault_id, terminal, state, assignee, created_at"},
    Table{"order_step", "order_id||'/'||n", "action, from_state, to_state, actor, at"},
    Table{"order_number", "day", "last"},
    Table{"fault_day", "day||'/'||code||'/'||terminal", "opened, late"},
    Table{"audit", "id", "at, actor, action, object, result, before_value, after_value"},
};

std::unique_ptr<db::Database> reader(const std::filesystem::path& file) {
  db::Database::Options options;
  options.read_only = true;
  auto db = db::Database::open(file, options);
  return db ? std::move(*db) : nullptr;
}

}  // namespace

Ledger::Rows store_rows(const std::filesystem::path& file) {
  Ledger::Rows out;
  const auto db = reader(file);
  if (!db) return out;
  for (const auto& table : tables) {
    // Joined by hand: SQLite has no such function everywhere.
    std::string text = "coalesce(";
    for (const char c : table.content) {
      if (c == ',') {
        text += ",'-')||' '||coalesce(";
      } else {
        text += c;
      }
    }
    text += ",'-')";
    const auto select =
        fmt::format("SELECT '{0}/'||{1}, {2} FROM {0}", table.name, table.key, text);
    for (const db::Row row : db->rows(select)) out[row.text(0)] = row.text(1);
    db->forgive();  // the table is not there yet
  }
  return out;
}

Result<std::vector<std::pair<std::uint64_t, std::string>>> stored_events(
    const std::filesystem::path& file, const std::string& terminal, std::uint64_t epoch) {
  const SystemClock clock;
  auto queries = collector::SqliteQueries::open(file, clock);
  if (!queries) return std::move(queries).error();
  std::vector<std::pair<std::uint64_t, std::string>> out;
  auto read = (*queries)->events(terminal, [&](const collector::EventRow& row) {
    if (row.epoch == epoch) out.emplace_back(row.seq, row.item.event().SerializeAsString());
  });
  if (!read) return std::move(read).error();
  return out;
}

FaultCounts fault_counts(const std::filesystem::path& file) {
  FaultCounts out;
  const auto db = reader(file);
  if (!db) return out;
  out.faults = db->integer("SELECT count(*) FROM fault WHERE code='media-empty'").value_or(-1);
  out.orders = db->integer("SELECT count(*) FROM work_order").value_or(-1);
  out.ordered = db->integer(
                      "SELECT count(DISTINCT o.id) FROM fault f JOIN work_order o ON "
                      "o.id=f.order_id AND o.fault_id=f.id")
                    .value_or(-1);
  return out;
}

std::string oldest_order(const std::filesystem::path& file) {
  const auto db = reader(file);
  if (!db) return {};
  return db
      ->text(
          "SELECT id FROM work_order WHERE assignee<>'' AND id NOT IN (SELECT order_id FROM "
          "order_step WHERE actor<>'collector') ORDER BY number LIMIT 1")
      .value_or("");
}

std::optional<std::string> damage(const std::filesystem::path& file) {
  const auto db = reader(file);
  if (!db) return "cannot be opened";
  const auto verdict = db->text("PRAGMA integrity_check(1)").value_or("no answer");
  if (verdict != "ok") return verdict;
  return std::nullopt;
}

void checkpoint(const std::filesystem::path& file) {
  db::Database::Options options;
  options.create = false;
  auto db = db::Database::open(file, options);
  if (db) (*db)->script("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace kw::torture
