#include "collector/store/sqlite/sqlite_queries.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <sqlite3.h>

#include "collector/orders/transitions.hpp"
#include "collector/stats/terminals_by_state.hpp"
#include "collector/store/sqlite/checked.hpp"
#include "collector/store/sqlite/rows.hpp"
#include "collector/store/sqlite/sqlite_identities.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"

namespace kw::collector {
namespace {

constexpr auto query_limit = std::chrono::seconds{2};
constexpr int steps_between_looks = 10'000;

/// The last item's key says where the next page starts; one row more than asked tells whether there
/// is one.
template <class T, class Key>
void cut(Listing<T>& listing, std::size_t limit, Key key) {
  if (listing.items.size() <= limit) return;
  listing.items.pop_back();
  listing.next = key(listing.items.back());
}

/// `text` anywhere, for LIKE ... ESCAPE '!': what it holds stands for itself.
std::string anywhere(std::string_view text) {
  std::string out = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '!') out += '!';
    out += c;
  }
  return out + "%";
}

struct Keyset {
  std::int64_t at = INT64_MAX;
  std::string id;
};

/// "micros.id" of the last row of the page before.
Keyset keyset(std::string_view after) {
  const auto dot = after.find('.');
  if (dot == std::string_view::npos) return {};
  Keyset out;
  out.at = std::strtoll(std::string{after.substr(0, dot)}.c_str(), nullptr, 10);
  out.id = after.substr(dot + 1);
  return out;
}

/// The rows of the terminal whose code is $1, by its key, which the indexes know.
std::string of_terminal(std::string_view table) {
  return fmt::format(" AND {}.terminal=(SELECT id FROM terminal WHERE code=$1)", table);
}

/// What stats::state_of goes by, as four columns of `terminal t`; $1: silent since before then is
/// offline.
constexpr std::string_view terminal_facts =
    "t.maintenance_since IS NOT NULL AS working, t.switched_off AS off, (t.connected=0 AND "
    "coalesce(t.silent_since, 0) < $1) AS silent, EXISTS (SELECT 1 FROM fault f WHERE "
    "f.terminal=t.id AND f.cleared_at IS NULL AND f.learned_late=0) AS fault";

TerminalState state(const db::Row& row, int first) {
  return stats::state_of({.maintenance = row.boolean(first),
                          .switched_off = row.boolean(first + 1),
                          .silent = row.boolean(first + 2),
                          .open_fault = row.boolean(first + 3)});
}

/// $2: wire::Health::warning.
std::string terminal_sql(std::string_view rest) {
  constexpr std::string_view sql =
      "SELECT {}, t.code, t.name, t.connected, t.last_seen_at, t.agent_version, "
      "(SELECT count(*) FROM device d WHERE d.terminal=t.id AND d.retired=0), "
      "(SELECT count(*) FROM fault f WHERE f.terminal=t.id AND f.cleared_at IS NULL AND "
      "f.learned_late=0), "
      "(SELECT count(*) FROM device d WHERE d.terminal=t.id AND d.retired=0 AND d.health=$2), "
      "t.maintenance_since, t.maintenance_until, t.maintenance_reason, t.maintenance_by, "
      "t.configuration_hash, t.configuration_local, g.n, g.hash, '', g.pushed_at, g.pushed_by, "
      "g.state, g.detail, g.reported_at FROM terminal t LEFT JOIN terminal_configuration g ON "
      "g.terminal=t.id AND g.n=(SELECT max(n) FROM terminal_configuration h WHERE h.terminal=t.id) "
      "{}";
  return fmt::format(sql, terminal_facts, rest);
}

TerminalRow terminal_row(const db::Row& row) {
  TerminalRow out{
      .code = row.text(4),
      .name = row.text(5),
      .state = state(row, 0),
      .warning = row.integer(11) > 0,
      .connected = row.boolean(6),
      .agent_version = row.text(8),
      .devices = row.integer(9),
      .open_faults = row.integer(10),
      .maintenance = rows::maintenance(row, 12),
      .configuration = {.in_force = std::string{row.bytes(16)}, .local = row.boolean(17)}};
  if (!row.null(7)) out.last_seen_at = wall_from(row.integer(7));
  if (!row.null(18)) out.configuration.pushed = rows::configuration(row, 18);
  return out;
}

}  // namespace

SqliteQueries::SqliteQueries(std::unique_ptr<db::Database> db, std::filesystem::path wal,
                             const Clock& clock)
    : db_(std::move(db)), wal_(std::move(wal)), clock_(clock) {
  sqlite3_progress_handler(db_->handle(), steps_between_looks, &SqliteQueries::out_of_time, this);
}

Result<std::unique_ptr<SqliteQueries>> SqliteQueries::open(const std::filesystem::path& file,
                                                           const Clock& clock) {
  db::Database::Options options;
  options.read_only = true;
  auto db = db::Database::open(file, options);
  if (!db) return std::move(db).error();
  return std::unique_ptr<SqliteQueries>{
      new SqliteQueries{std::move(*db), file.string() + "-wal", clock}};
}

int SqliteQueries::out_of_time(void* self) {
  const auto* queries = static_cast<SqliteQueries*>(self);
  return queries->clock_.mono() > queries->deadline_ ? 1 : 0;
}

void SqliteQueries::start() { deadline_ = clock_.mono() + query_limit; }

std::optional<Error> SqliteQueries::failed() {
  const bool late = db_->failure_code() == SQLITE_INTERRUPT;
  auto failure = db_->forgive();
  if (failure && late) return Error{Errc::timeout, "the query took longer than 2 s: ask for less"};
  return failure;
}

Result<Listing<TerminalRow>> SqliteQueries::terminals(const Page& page,
                                                      const TerminalFilter& filter) {
  start();
  Listing<TerminalRow> out;
  const auto heard = micros(clock_.wall() - stats::offline_after);
  static const std::string sql = terminal_sql(
      "WHERE t.code > $3 AND (lower(t.code) LIKE lower($5) ESCAPE '!' OR "
      "lower(t.name) LIKE lower($5) ESCAPE '!') ORDER BY t.code LIMIT $4");
  const auto pattern = anywhere(filter.text);
  std::string after = page.after;
  const std::size_t chunk = page.limit + 1;
  // State is derived, so the filter reads on until the page is full.
  for (;;) {
    std::size_t seen = 0;
    for (const auto row : db_->rows(sql, heard, wire::Health::warning, after, chunk, pattern)) {
      ++seen;
      auto terminal = terminal_row(row);
      after = terminal.code;
      if (!filter.state || terminal.state == *filter.state)
        out.items.push_back(std::move(terminal));
      if (out.items.size() > page.limit) break;
    }
    if (seen < chunk || out.items.size() > page.limit || db_->failure()) break;
  }
  cut(out, page.limit, [](const TerminalRow& t) { return t.code; });
  return finish(std::move(out));
}

Result<TerminalRow> SqliteQueries::terminal(std::string_view code) {
  start();
  static const std::string sql = terminal_sql("WHERE t.code = $3");
  const auto heard = micros(clock_.wall() - stats::offline_after);
  std::optional<TerminalRow> out;
  for (const auto row : db_->rows(sql, heard, wire::Health::warning, code)) {
    out = terminal_row(row);
  }
  auto done = finish(std::move(out));
  if (!done) return std::move(done).error();
  if (!*done) return Error{Errc::missing, "no terminal " + std::string{code}};
  return std::move(**done);
}

Result<std::string> SqliteQueries::code_of(TerminalKey terminal) {
  start();
  std::string out;
  for (const auto row : db_->rows("SELECT code FROM terminal WHERE id=$1", terminal)) {
    out = row.text(0);
  }
  if (out.empty() && !db_->failure()) return Error{Errc::missing, "no such terminal"};
  return finish(std::move(out));
}

Result<Listing<DeviceRow>> SqliteQueries::devices(const Page& page, std::string_view terminal) {
  start();
  Listing<DeviceRow> out;
  const auto slash = page.after.find('/');
  const std::string after_terminal = page.after.substr(0, slash);
  const std::string after_device =
      slash == std::string::npos ? std::string{} : page.after.substr(slash + 1);
  for (const auto row : db_->rows(
           "SELECT t.code, d.device, d.driver, d.kind, d.enabled, d.since_at, d.status, "
           "d.conditions, d.sample, d.sample_at, t.inventory FROM device d JOIN terminal t ON "
           "t.id=d.terminal WHERE d.retired=0 AND ($1='' OR t.code=$1) AND (t.code, d.device) > "
           "($2, $3) ORDER BY t.code, d.device LIMIT $4",
           terminal, after_terminal, after_device, page.limit + 1)) {
    DeviceRow d{.terminal = row.text(0),
                .id = row.text(1),
                .driver = row.text(2),
                .kind = row.text(3),
                .enabled = row.boolean(4),
                .since = wall_from(row.integer(5)),
                .conditions = rows::unpack_conditions(row.bytes(7))};
    const auto status = row.bytes(6);
    d.status.ParseFromArray(status.data(), static_cast<int>(status.size()));
    if (!row.null(8)) {
      const auto sample = row.bytes(8);
      d.sample.emplace().ParseFromArray(sample.data(), static_cast<int>(sample.size()));
      d.sampled_at = wall_from(row.integer(9));
    }
    pb::Inventory inventory;
    const auto bytes = row.bytes(10);
    inventory.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    for (const auto& found : inventory.device()) {
      if (found.device() == d.id) d.found = found;
    }
    out.items.push_back(std::move(d));
  }
  cut(out, page.limit, [](const DeviceRow& d) { return d.terminal + "/" + d.id; });
  return finish(std::move(out));
}

Result<Listing<FaultRow>> SqliteQueries::faults(const Page& page, const FaultFilter& filter) {
  start();
  Listing<FaultRow> out;
  const auto after = keyset(page.after);
  // Only what is asked stands in the text, so that each kind of question has its index.
  std::string sql =
      "SELECT f.id, f.subject, f.code, f.level, f.since_epoch, f.since_seq, f.since_at, "
      "f.opened_at, f.cleared_at, f.cleared_why, f.learned_late, f.order_id, f.evidence, "
      "f.suppressed_by, t.code, o.number FROM fault f JOIN terminal t ON t.id=f.terminal LEFT JOIN "
      "work_order o ON "
      "o.id=f.order_id WHERE (f.opened_at, f.id) < ($3, $4)";
  if (!filter.terminal.empty()) sql += of_terminal("f");
  if (!filter.code.empty()) sql += " AND f.code=$2";
  if (filter.open == true) sql += " AND f.cleared_at IS NULL AND f.learned_late=0";
  if (filter.open == false) sql += " AND (f.cleared_at IS NOT NULL OR f.learned_late<>0)";
  sql += " ORDER BY f.opened_at DESC, f.id DESC LIMIT $5";
  for (const auto row :
       db_->rows(sql, filter.terminal, filter.code, after.at, after.id, page.limit + 1)) {
    out.items.push_back({rows::fault(row), row.text(14), row.text(15)});
  }
  cut(out, page.limit, [](const FaultRow& f) {
    return std::to_string(micros(f.fault.opened_at)) + "." + f.fault.id;
  });
  return finish(std::move(out));
}

namespace {

constexpr std::string_view order_sql =
    "SELECT o.id, o.number, o.fault_id, o.terminal, o.subject, o.code, o.level, o.needs, o.state, "
    "o.assignee, o.created_at, t.code, o.committed_at FROM work_order o JOIN terminal t ON "
    "t.id=o.terminal ";

/// The states that a step leads out of, as SQL lists them.
std::string open_states() {
  std::string out;
  for (const auto& transition : transitions()) {
    out += (out.empty() ? "" : ",") + std::to_string(static_cast<int>(transition.from));
  }
  return out;
}

OrderRow order_row(const db::Row& row) {
  OrderRow out{.order = rows::order(row), .terminal = row.text(11)};
  if (!row.null(12)) out.committed_at = wall_from(row.integer(12));
  return out;
}

}  // namespace

Result<Listing<OrderRow>> SqliteQueries::orders(const Page& page, const OrderFilter& filter) {
  start();
  Listing<OrderRow> out;
  const auto after = keyset(page.after);
  std::string sql = std::string{order_sql} + "WHERE (o.created_at, o.id) < ($2, $3)";
  if (!filter.terminal.empty()) sql += of_terminal("o");
  if (filter.state) sql += fmt::format(" AND o.state={}", static_cast<int>(*filter.state));
  if (filter.open) sql += " AND o.state IN (" + open_states() + ")";
  sql += " ORDER BY o.created_at DESC, o.id DESC LIMIT $4";
  for (const auto row : db_->rows(sql, filter.terminal, after.at, after.id, page.limit + 1)) {
    out.items.push_back(order_row(row));
  }
  cut(out, page.limit, [](const OrderRow& o) {
    return std::to_string(micros(o.order.created_at)) + "." + o.order.id;
  });
  return finish(std::move(out));
}

Result<OrderRow> SqliteQueries::order(std::string_view id_or_number) {
  start();
  static const std::string sql = std::string{order_sql} + "WHERE o.id=$1 OR o.number=$1";
  std::optional<OrderRow> out;
  for (const auto row : db_->rows(sql, id_or_number)) out = order_row(row);
  if (out) {
    for (const auto row : db_->rows("SELECT action, from_state, to_state, actor, note, at FROM "
                                    "order_step WHERE order_id=$1 ORDER BY n",
                                    out->order.id)) {
      out->steps.push_back({.order_id = out->order.id,
                            .action = static_cast<OrderAction>(row.integer(0)),
                            .from = static_cast<OrderState>(row.integer(1)),
                            .to = static_cast<OrderState>(row.integer(2)),
                            .actor = row.text(3),
                            .note = row.text(4),
                            .at = wall_from(row.integer(5))});
    }
  }
  auto done = finish(std::move(out));
  if (!done) return std::move(done).error();
  if (!*done) return Error{Errc::missing, "no order " + std::string{id_or_number}};
  return std::move(**done);
}

Result<std::vector<FaultDay>> SqliteQueries::fault_days(std::string_view from,
                                                        std::string_view to) {
  start();
  std::vector<FaultDay> out;
  for (const auto row : db_->rows("SELECT day, code, level, sum(opened), sum(late) FROM fault_day "
                                  "WHERE day >= $1 AND day < $2 GROUP BY day, code, level ORDER BY "
                                  "day, code, level",
                                  from, to)) {
    out.push_back({row.text(0), row.text(1), static_cast<Level>(row.integer(2)), row.integer(3),
                   row.integer(4)});
  }
  return finish(std::move(out));
}

Result<std::vector<ProvisioningRow>> SqliteQueries::provisioning() {
  start();
  return finish(read_provisioning(*db_));
}

Result<StoreFigures> SqliteQueries::figures() {
  start();
  StoreFigures out;
  static const std::string by_state = fmt::format(
      "SELECT working, off, silent, fault, count(*) FROM (SELECT {} FROM terminal t) AS facts "
      "GROUP BY working, off, silent, fault",
      terminal_facts);
  for (const auto row : db_->rows(by_state, micros(clock_.wall() - stats::offline_after))) {
    out.terminals[state(row, 0)] += row.integer(4);
  }
  out.open_faults =
      db_->integer("SELECT count(*) FROM fault WHERE cleared_at IS NULL AND learned_late=0")
          .value_or(0);
  out.open_orders =
      db_->integer("SELECT count(*) FROM work_order WHERE state IN (" + open_states() + ")")
          .value_or(0);
  std::error_code none;
  const auto wal = std::filesystem::file_size(wal_, none);
  out.wal_bytes = none ? 0 : static_cast<std::int64_t>(wal);
  return finish(std::move(out));
}

Result<void> SqliteQueries::events(std::string_view terminal,
                                   const std::function<void(const EventRow&)>& take) {
  // Reads a whole terminal for a person at the host: not bounded like the console's queries.
  deadline_ = MonoTime::max();
  for (const auto row : db_->rows(
           "SELECT b.epoch, b.first_seq, b.base_at, b.uncertain, b.body FROM event_block b JOIN "
           "terminal t ON t.id=b.terminal LEFT JOIN epoch e ON e.terminal=b.terminal AND "
           "e.epoch=b.epoch WHERE t.code=$1 ORDER BY b.rowid",
           terminal)) {
    const auto body = row.bytes(4);
    pb::Batch batch;
    if (!check_holds(body) || !batch.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
      db_->forgive();
      return Error{Errc::garbled,
                   fmt::format("the stored events from {}/{} on are damaged{}",
                               row.unsigned_integer(0), row.unsigned_integer(1), damaged_advice)};
    }
    EventRow event{.epoch = row.unsigned_integer(0),
                   .seq = row.unsigned_integer(1),
                   .at = wall_from(row.integer(2)),
                   .uncertain = row.boolean(3)};
    const auto base = event.at;
    for (const auto& item : batch.item()) {
      event.count = item.has_gap() ? item.gap().count() : 1;
      event.at = base + Duration{item.event().mono_us()};
      event.item = item;
      take(event);
      event.seq += event.count;
    }
  }
  if (auto failure = db_->forgive()) return std::move(*failure);
  return {};
}

}  // namespace kw::collector
