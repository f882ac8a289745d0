#include "collector/store/sqlite/inspect.hpp"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "collector/store/sqlite/checked.hpp"
#include "collector/store/sqlite/schema.hpp"
#include "collector/store/sqlite/sqlite_queries.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"
#include "common/db/copy.hpp"
#include "common/wire/codec.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t findings_most = 20;

void find(StoreFacts& facts, std::string what) {
  if (facts.wrong.size() < findings_most) facts.wrong.push_back(std::move(what));
}

Result<std::unique_ptr<db::Database>> open_plain(const fs::path& file) {
  db::Database::Options options;
  options.create = false;
  options.plain = true;
  auto db = db::Database::open(file, options);
  if (!db) return db;
  (*db)->integer("SELECT count(*) FROM sqlite_master");
  if (auto failure = (*db)->forgive()) {
    return Error{Errc::garbled, "not a sound SQLite file: " + failure->text()};
  }
  return db;
}

/// Nothing that is not ours is brought up to our schema.
Result<int> schema_of(db::Database& db) {
  const int have = db::schema_version(db);
  const auto ours = db.integer(
      "SELECT count(*) FROM sqlite_master WHERE type='table' AND name IN "
      "('terminal', 'event_block', 'epoch', 'audit')");
  if (auto failure = db.forgive()) return Error{Errc::garbled, failure->text()};
  if (have == 0 || ours != 4) {
    return Error{Errc::garbled, "a database, but not a collector's store"};
  }
  return have;
}

void count(db::Database& db, StoreFacts& facts) {
  const auto rows = [&](std::string_view table) {
    return db.integer(fmt::format("SELECT count(*) FROM {}", table)).value_or(0);
  };
  facts.terminals = rows("terminal");
  facts.devices = rows("device");
  facts.blocks = rows("event_block");
  facts.faults = rows("fault");
  facts.orders = rows("work_order");
  facts.audits = rows("audit");
  facts.events = db.integer("SELECT sum(last_seq - first_seq + 1) FROM event_block").value_or(0);
  if (const auto at = db.integer("SELECT max(last_at) FROM event_block")) {
    facts.newest_event = wall_from(*at);
  }
}

/// A block's checksum holds and it covers its numbers.
std::optional<std::string> wrong_with(std::string_view body, std::uint64_t first,
                                      std::uint64_t last) {
  if (!check_holds(body)) return "its checksum is wrong";
  pb::Batch batch;
  if (!batch.ParseFromArray(body.data(), static_cast<int>(body.size()))) return "it does not parse";
  if (!wire::check_range(batch)) return "its events do not cover its numbers";
  if (batch.first() != first || batch.last() != last) return "it is filed under other numbers";
  return std::nullopt;
}

/// Every block, and that no number is missing or there twice between an epoch's first and its mark.
void read_blocks(db::Database& db, StoreFacts& facts) {
  using Epoch = std::pair<std::int64_t, std::uint64_t>;
  std::map<Epoch, std::uint64_t> upto;
  for (const db::Row row :
       db.rows("SELECT terminal, epoch, first_seq, last_seq, body, 0 FROM event_block UNION ALL "
               "SELECT terminal, epoch, first_seq, last_seq, body, 1 FROM quarantined_batch "
               "ORDER BY 1, 2, 3")) {
    const Epoch epoch{row.integer(0), row.unsigned_integer(1)};
    const auto first = row.unsigned_integer(2);
    const auto last = row.unsigned_integer(3);
    const auto where =
        fmt::format("terminal {}, events {}/{} to {}: ", epoch.first, epoch.second, first, last);
    const bool aside = row.boolean(5);  // it was kept aside because something is wrong with it
    const auto wrong = aside ? std::nullopt : wrong_with(row.bytes(4), first, last);
    if (wrong) find(facts, where + *wrong);
    const auto before = upto.find(epoch);
    if (before != upto.end() && first != before->second + 1) {
      find(facts, where + fmt::format("{} comes before", before->second));
    }
    upto[epoch] = last;
  }
  for (const db::Row row : db.rows("SELECT terminal, epoch, seq FROM epoch")) {
    const auto stored = upto.find({row.integer(0), row.unsigned_integer(1)});
    if (stored == upto.end() || stored->second == row.unsigned_integer(2)) continue;
    find(facts,
         fmt::format("terminal {}, epoch {}: marked up to {}, stored up to {}", row.integer(0),
                     row.unsigned_integer(1), row.unsigned_integer(2), stored->second));
  }
}

void read_references(db::Database& db, StoreFacts& facts) {
  for (const db::Row row : db.rows("PRAGMA foreign_key_check")) {
    find(facts, fmt::format("{}: a row refers to none in {}", row.text(0), row.text(2)));
  }
  const auto none = [&](std::string_view what, std::string_view sql) {
    const auto n = db.integer(sql).value_or(0);
    if (n != 0) find(facts, fmt::format("{}: {}", what, n));
  };
  none("orders of a fault that are not there",
       "SELECT count(*) FROM fault f WHERE f.order_id<>'' AND NOT EXISTS (SELECT 1 FROM work_order "
       "o WHERE o.id=f.order_id)");
  none("steps of an order that is not there",
       "SELECT count(*) FROM order_step s WHERE NOT EXISTS (SELECT 1 FROM work_order o WHERE "
       "o.id=s.order_id)");
  none("states of a terminal that is not there",
       "SELECT count(*) FROM device d WHERE NOT EXISTS (SELECT 1 FROM terminal t WHERE "
       "t.id=d.terminal)");
  none("entries missing in the audit",
       "SELECT max(id) - min(id) + 1 - count(*) FROM audit HAVING count(*) > 0");
}

/// Through the same code that the writer and the console read with.
Result<void> read_boards(const fs::path& file, const Clock& clock, StoreFacts& facts) {
  auto queries = SqliteQueries::open(file, clock);
  if (!queries) return std::move(queries).error();
  std::vector<std::string> codes;
  for (Page page{.limit = 500};;) {
    const auto rows = (*queries)->terminals(page, {});
    if (!rows) return rows.error();
    for (const auto& row : rows->items) codes.push_back(row.code);
    if (rows->next.empty()) break;
    page.after = rows->next;
  }
  queries->reset();
  if (codes.size() != static_cast<std::size_t>(facts.terminals)) {
    find(facts, fmt::format("{} of {} terminals are on the board", codes.size(), facts.terminals));
  }
  auto store = SqliteStore::open(file);
  if (!store) return std::move(store).error();
  return (*store)->transact([&] {
    for (const auto& code : codes) {
      const auto terminal = (*store)->find_terminal(code);
      if (!terminal) {
        find(facts, "terminal " + code + " cannot be found by its code");
        continue;
      }
      (*store)->view(terminal->key);
      (*store)->epochs(terminal->key);
    }
  });
}

/// The log's content goes into the file, and what is beside it goes away.
Result<void> into_one_file(const fs::path& file) {
  auto db = open_plain(file);
  if (!db) return std::move(db).error();
  (*db)->script("PRAGMA synchronous=OFF");
  const auto mode = (*db)->text("PRAGMA journal_mode=DELETE");
  if (auto failure = (*db)->forgive()) return std::move(*failure);
  if (mode != "delete") return Error{Errc::storage, "its log cannot be closed"};
  return {};
}

}  // namespace

Result<StoreFacts> store_facts(const fs::path& file) {
  auto db = open_plain(file);
  if (!db) return std::move(db).error();
  StoreFacts facts;
  auto schema = schema_of(**db);
  if (!schema) return std::move(schema).error();
  facts.schema = *schema;
  count(**db, facts);
  if (auto failure = (*db)->forgive()) return Error{Errc::storage, failure->text()};
  return facts;
}

Result<StoreFacts> inspect_store(const fs::path& file, const Clock& clock) {
  StoreFacts facts;
  {
    auto db = open_plain(file);
    if (!db) return std::move(db).error();
    auto schema = schema_of(**db);
    if (!schema) return std::move(schema).error();
    facts.schema = *schema;
    const auto verdict = db::integrity(**db);
    if (verdict != "ok") find(facts, verdict);
  }
  // As the collector opens it: refuses what is newer, brings up what is older.
  if (auto store = SqliteStore::open(file); !store) return std::move(store).error();
  {
    auto db = open_plain(file);
    if (!db) return std::move(db).error();
    count(**db, facts);
    read_blocks(**db, facts);
    read_references(**db, facts);
    if (const auto failure = (*db)->forgive()) find(facts, failure->text());
  }
  if (auto read = read_boards(file, clock, facts); !read) find(facts, read.error().text());
  if (auto one = into_one_file(file); !one) find(facts, one.error().text());
  return facts;
}

}  // namespace kw::collector
