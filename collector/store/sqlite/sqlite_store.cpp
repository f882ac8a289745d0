#include "collector/store/sqlite/sqlite_store.hpp"

#include <fmt/format.h>

#include "collector/orders/transitions.hpp"
#include "collector/store/sqlite/rows.hpp"
#include "collector/store/sqlite/schema.hpp"
#include "common/log.hpp"

namespace kw::collector {
namespace {

using rows::bits;

// Measured: near 16,000 pages the writer spends least on checkpoints (data path, section 4).
constexpr int checkpoint_pages = 16'000;
constexpr std::int64_t wal_limit = 64LL * 1024 * 1024;

/// A log that is smaller would give a full disk nothing to speak of.
constexpr std::uintmax_t worth_emptying = 256 * 1024;

/// Timers of this kind and of those after it run on the collector's time, session or none.
constexpr auto collectors_own = TimerKind::silence;

std::optional<std::int64_t> micros_of(const std::optional<WallTime>& t) {
  if (!t) return std::nullopt;
  return micros(*t);
}

/// Silence that the collector could not hear is none, unless it was told before.
constexpr std::string_view heard_again =
    "UPDATE terminal SET silent_since=$1 WHERE silent_since < $1 AND NOT EXISTS (SELECT 1 FROM "
    "fault f WHERE f.terminal=terminal.id AND f.code='terminal-silent' AND f.cleared_at IS NULL)";

/// Writes each kind of change into its tables.
struct Applier {
  db::Database& db;
  TerminalKey terminal;

  void operator()(const DeviceChanged& c) const {
    const auto& d = c.device;
    db.run(
        "INSERT INTO device (terminal, device, driver, kind, enabled, retired, epoch_no, seq, "
        "health, "
        "since_epoch, since_seq, since_at, status, conditions) "
        "VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14) "
        "ON CONFLICT (terminal, device) DO UPDATE SET driver=excluded.driver, kind=excluded.kind, "
        "enabled=excluded.enabled, retired=excluded.retired, epoch_no=excluded.epoch_no, "
        "seq=excluded.seq, health=excluded.health, since_epoch=excluded.since_epoch, "
        "since_seq=excluded.since_seq, since_at=excluded.since_at, status=excluded.status, "
        "conditions=excluded.conditions",
        terminal, d.id, d.driver, d.kind, d.enabled, d.retired, d.as_of.epoch_no, bits(d.as_of.seq),
        d.health, bits(d.since.epoch), bits(d.since.seq), micros(d.since.at), db::blob(d.status),
        db::blob(rows::pack_conditions(d.conditions)));
  }
  void operator()(const FaultOpened& c) const {
    const auto& f = c.fault;
    db.run(
        "INSERT INTO fault (id, terminal, subject, code, level, since_epoch, since_seq, since_at, "
        "opened_at, cleared_at, cleared_why, learned_late, order_id, evidence, suppressed_by) "
        "VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)",
        f.id, terminal, f.subject, f.code, f.level, bits(f.since.epoch), bits(f.since.seq),
        micros(f.since.at), micros(f.opened_at), micros_of(f.cleared_at), f.cleared_why,
        f.learned_late, f.order_id, db::blob(f.evidence), f.suppressed_by);
  }
  void operator()(const FaultReopened& c) const {
    db.run(
        "UPDATE fault SET cleared_at=NULL, cleared_why='', learned_late=0, order_id=$2, "
        "suppressed_by=$3 WHERE id=$1",
        c.id, c.order_id, c.suppressed_by);
  }
  void operator()(const FaultOrdered& c) const {
    db.run("UPDATE fault SET order_id=$2, suppressed_by=$3 WHERE id=$1", c.id, c.order_id,
           c.suppressed_by);
  }
  void operator()(const FaultCleared& c) const {
    db.run("UPDATE fault SET cleared_at=$2, cleared_why=$3 WHERE id=$1", c.id, micros(c.at), c.why);
  }
  void operator()(const FaultForgotten& c) const { db.run("DELETE FROM fault WHERE id=$1", c.id); }
  void operator()(const TimerSet& c) const {
    const auto& t = c.timer;
    db.run(
        "INSERT INTO timer (terminal, kind, subject, code, since_epoch, since_seq, since_at, "
        "due_at, "
        "by_wall) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9) ON CONFLICT (terminal, kind, subject, code) "
        "DO UPDATE SET "
        "since_epoch=excluded.since_epoch, since_seq=excluded.since_seq, "
        "since_at=excluded.since_at, "
        "due_at=excluded.due_at, by_wall=excluded.by_wall",
        terminal, t.kind, t.subject, t.code, bits(t.since.epoch), bits(t.since.seq),
        micros(t.since.at), micros(t.due), t.by_wall);
  }
  void operator()(const TimerDropped& c) const {
    db.run("DELETE FROM timer WHERE terminal=$1 AND kind=$2 AND subject=$3 AND code=$4", terminal,
           c.timer.kind, c.timer.subject, c.timer.code);
  }
  void operator()(const OrderOpened& c) const {
    const auto& o = c.order;
    db.run(
        "INSERT INTO work_order (id, number, fault_id, terminal, subject, code, level, needs, "
        "state, "
        "assignee, created_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)",
        o.id, o.number, o.fault_id, o.terminal, o.subject, o.code, o.level, o.needs, o.state,
        o.assignee, micros(o.created_at));
  }
  void operator()(const OrderMoved& c) const {
    const auto& s = c.step;
    db.run("UPDATE work_order SET state=$2, assignee=$3 WHERE id=$1", s.order_id, s.to, c.assignee);
    db.run(
        "INSERT INTO order_step (order_id, n, action, from_state, to_state, actor, note, at) "
        "SELECT "
        "$1, coalesce(max(n), 0) + 1, $2, $3, $4, $5, $6, $7 FROM order_step WHERE order_id=$1",
        s.order_id, s.action, s.from, s.to, s.actor, s.note, micros(s.at));
  }
  void operator()(const MaintenanceChanged& c) const {
    const auto m = c.now.value_or(Maintenance{});
    db.run(
        "UPDATE terminal SET maintenance_since=$2, maintenance_until=$3, maintenance_reason=$4, "
        "maintenance_by=$5 WHERE id=$1",
        terminal, c.now ? std::optional{micros(m.since)} : std::nullopt, micros_of(m.until),
        m.reason, m.by);
  }
  void operator()(const PowerChanged& c) const {
    db.run("UPDATE terminal SET switched_off=$2, power_epoch_no=$3, power_seq=$4 WHERE id=$1",
           terminal, c.switched_off, c.as_of.epoch_no, bits(c.as_of.seq));
  }
  void operator()(const Measured& c) const {
    db.run(
        "UPDATE device SET sample=$3, sample_at=$4, sample_epoch_no=$5, sample_seq=$6 WHERE "
        "terminal=$1 AND device=$2 AND (sample_epoch_no < $5 OR (sample_epoch_no = $5 AND "
        "sample_seq "
        "< $6))",
        terminal, c.device, db::blob(c.sample), micros(c.at), c.as_of.epoch_no, bits(c.as_of.seq));
  }
  void operator()(const FaultCounted& c) const {
    db.run(
        "INSERT INTO fault_day (day, code, level, terminal, opened, late) VALUES "
        "($1,$2,$3,$4,1,$5) "
        "ON CONFLICT (day, code, level, terminal) DO UPDATE SET opened=fault_day.opened+1, "
        "late=fault_day.late+excluded.late",
        c.day, c.code, c.level, terminal, c.late);
  }
  void operator()(const Audited& c) const {
    const auto& a = c.entry;
    db.run(
        "INSERT INTO audit (id, at, actor, source, action, object, result, before_value, "
        "after_value) "
        "SELECT coalesce(max(id), 0) + 1, $1,$2,$3,$4,$5,$6,$7,$8 FROM audit",
        micros(a.at), a.actor, a.from, a.action, a.object, a.result, a.before, a.after);
  }
};

}  // namespace

namespace {

Error with_advice(const Error& why) {
  return {why.code(), why.text() + std::string{damaged_advice}};
}

/// A damaged file is refused with what to do about it.
Error refused(Error why, db::Database& db) {
  if (why.code() != Errc::storage) return why;
  const auto verdict = db.text("PRAGMA quick_check(1)");
  db.forgive();
  if (verdict && *verdict == "ok") return why;
  return with_advice(why);
}

}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::filesystem::path& file) {
  db::Database::Options options;
  options.wal_autocheckpoint_pages = checkpoint_pages;
  options.journal_size_limit = wal_limit;
  options.incremental_vacuum = true;
  auto db = db::Database::open(file, options);
  if (!db && db.error().code() == Errc::garbled) return with_advice(db.error());
  if (!db) return std::move(db).error();
  auto migrated = db::migrate(**db, schema());
  if (!migrated) {
    return refused(std::move(migrated).error().within(file.filename().string()), **db);
  }
  return std::unique_ptr<SqliteStore>{new SqliteStore{std::move(*db), file.string() + "-wal"}};
}

Result<std::unique_ptr<SqliteStore>> SqliteStore::open_existing(const std::filesystem::path& file) {
  std::error_code none;
  if (std::filesystem::exists(file, none)) return open(file);
  return Error{Errc::missing, file.string() +
                                  " is missing: put a backup back with kiosk-collector restore "
                                  "FILE, or start over with init in "
                                  "another folder and enrol the kiosks again"};
}

Result<void> SqliteStore::transact(const std::function<void()>& work) {
  Result<void> done;
  {
    db::Transaction transaction{*db_};
    work();
    done = transaction.commit();
  }
  if (!done) use_log_as_reserve();
  return done;
}

/// When the disk is full most of what fills it may be our own log, up to 64 MiB: what it holds goes
/// into the database as far as that has room, and its space back to the disk.
void SqliteStore::use_log_as_reserve() {
  std::error_code none;
  const auto size = std::filesystem::file_size(wal_, none);
  const auto room = std::filesystem::space(wal_.parent_path(), none).available;
  if (none || size < worth_emptying || size == not_emptied_ || room >= worth_emptying) return;
  log::warning("disk-full-log-emptied", {{"bytes", size}});
  empty_log();
}

Result<void> SqliteStore::part(const std::function<Result<void>()>& work) {
  db::Savepoint savepoint{*db_};
  auto done = work();
  if (!done) {
    if (!db_->failure()) return done;  // the caller's own refusal: undone by the destructor
  }
  auto kept = savepoint.release();
  if (!kept) return kept;
  return done;
}

std::optional<Terminal> SqliteStore::find_terminal(std::string_view code) {
  std::optional<Terminal> out;
  for (const auto row : db_->rows("SELECT id, code, name FROM terminal WHERE code=$1", code)) {
    out = Terminal{row.integer(0), row.text(1), row.text(2)};
  }
  return out;
}

TerminalKey SqliteStore::make_terminal(std::string_view code, WallTime now) {
  return db_
      ->integer(
          "INSERT INTO terminal (id, code, name, created_at) SELECT coalesce(max(id), 0) + 1, $1, "
          "$1, "
          "$2 FROM terminal RETURNING id",
          code, micros(now))
      .value_or(0);
}

std::vector<TerminalKey> SqliteStore::terminals_in_service() {
  std::vector<TerminalKey> out;
  // A terminal is in service once it has spoken for the first time.
  for (const auto row : db_->rows("SELECT id FROM terminal WHERE last_seen_at IS NOT NULL")) {
    out.push_back(row.integer(0));
  }
  return out;
}

TerminalView SqliteStore::view(TerminalKey terminal) {
  TerminalView out;
  for (const auto row : db_->rows("SELECT id, code, name, switched_off, power_epoch_no, power_seq, "
                                  "maintenance_since, maintenance_until, maintenance_reason, "
                                  "maintenance_by FROM terminal WHERE id=$1",
                                  terminal)) {
    out.terminal = {row.integer(0), row.text(1), row.text(2)};
    out.switched_off = row.boolean(3);
    out.power_as_of = {row.integer(4), row.unsigned_integer(5)};
    out.maintenance = rows::maintenance(row, 6);
  }
  for (const auto row : db_->rows(
           "SELECT device, driver, kind, enabled, retired, epoch_no, seq, health, since_epoch, "
           "since_seq, since_at, status, conditions FROM device WHERE terminal=$1",
           terminal)) {
    Device d{
        .id = row.text(0),
        .driver = row.text(1),
        .kind = row.text(2),
        .enabled = row.boolean(3),
        .retired = row.boolean(4),
        .as_of = {row.integer(5), row.unsigned_integer(6)},
        .health = static_cast<wire::Health>(row.integer(7)),
        .status = row.text(11),
        .since = {row.unsigned_integer(8), row.unsigned_integer(9), wall_from(row.integer(10))}};
    d.conditions = rows::unpack_conditions(row.bytes(12));
    out.devices.push_back(std::move(d));
  }
  static const std::string open_faults = fmt::format(
      "SELECT {} FROM fault WHERE terminal=$1 AND cleared_at IS NULL", rows::fault_columns);
  for (const auto row : db_->rows(open_faults, terminal)) out.faults.push_back(rows::fault(row));
  for (const auto row : db_->rows("SELECT kind, subject, code, since_epoch, since_seq, since_at, "
                                  "due_at, by_wall FROM timer WHERE terminal=$1",
                                  terminal)) {
    out.timers.push_back(
        {static_cast<TimerKind>(row.integer(0)),
         row.text(1),
         row.text(2),
         {row.unsigned_integer(3), row.unsigned_integer(4), wall_from(row.integer(5))},
         wall_from(row.integer(6)),
         row.boolean(7)});
  }
  static const std::string order_of_fault =
      fmt::format("SELECT {} FROM work_order WHERE id=$1", rows::order_columns);
  for (const auto& fault : out.faults) {
    if (fault.order_id.empty()) continue;
    for (const auto row : db_->rows(order_of_fault, fault.order_id)) {
      out.orders.push_back(rows::order(row));
    }
  }
  return out;
}

std::optional<Fault> SqliteStore::known_fault(TerminalKey terminal, std::string_view subject,
                                              std::string_view code, const Since& since) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM fault WHERE terminal=$1 AND subject=$2 AND code=$3 AND since_epoch=$4 AND "
      "since_seq=$5",
      rows::fault_columns);
  std::optional<Fault> out;
  for (const auto row :
       db_->rows(sql, terminal, subject, code, bits(since.epoch), bits(since.seq))) {
    out = rows::fault(row);
  }
  return out;
}

std::optional<WallTime> SqliteStore::last_cleared(TerminalKey terminal, std::string_view subject,
                                                  std::string_view code) {
  const auto at =
      db_->integer("SELECT max(cleared_at) FROM fault WHERE terminal=$1 AND subject=$2 AND code=$3",
                   terminal, subject, code);
  if (!at) return std::nullopt;
  return wall_from(*at);
}

void SqliteStore::postpone_silence(WallTime until, WallTime heard) {
  db_->run("UPDATE timer SET due_at=$2 WHERE kind=$1 AND due_at < $2", TimerKind::silence,
           micros(until));
  db_->run(heard_again, micros(heard));
}

void SqliteStore::keep_silence_floor(WallTime until) {
  db_->run(
      "INSERT INTO silence_floor (id, until_at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET "
      "until_at=excluded.until_at WHERE silence_floor.until_at < excluded.until_at",
      micros(until));
}

WallTime SqliteStore::silence_floor() {
  return wall_from(db_->integer("SELECT until_at FROM silence_floor WHERE id=1").value_or(0));
}

void SqliteStore::apply(TerminalKey terminal, const Changes& changes) {
  const Applier applier{*db_, terminal};
  for (const auto& change : changes) std::visit(applier, change);
}

void SqliteStore::set_live(TerminalKey terminal, bool live) {
  db_->run("UPDATE terminal SET live=$2 WHERE id=$1", terminal, live);
}

void SqliteStore::set_told(TerminalKey terminal) {
  db_->run("UPDATE terminal SET told=1 WHERE id=$1", terminal);
}

void SqliteStore::set_session(TerminalKey terminal, bool connected, WallTime at,
                              std::string_view agent_version) {
  db_->run("UPDATE terminal SET connected=$2, told=0, last_seen_at=$3, silent_since=$4 WHERE id=$1",
           terminal, connected, micros(at), connected ? std::nullopt : std::optional{micros(at)});
  if (!agent_version.empty()) {
    db_->run("UPDATE terminal SET agent_version=$2 WHERE id=$1", terminal, agent_version);
  }
}

void SqliteStore::disconnect_all(WallTime at) {
  db_->run("UPDATE terminal SET connected=0, live=0, silent_since=$1 WHERE connected=1",
           micros(at));
  db_->run("UPDATE terminal SET live=0, told=0 WHERE live=1 OR told=1");
  db_->run(heard_again, micros(at));
}

void SqliteStore::set_inventory(TerminalKey terminal, std::string_view hash,
                                std::string_view inventory) {
  db_->run("UPDATE terminal SET inventory_hash=$2, inventory=$3 WHERE id=$1", terminal,
           db::blob(hash), db::blob(inventory));
}

std::string SqliteStore::inventory_hash(TerminalKey terminal) {
  return db_->text("SELECT inventory_hash FROM terminal WHERE id=$1", terminal).value_or("");
}

std::vector<DueTimer> SqliteStore::due_timers(WallTime now, std::size_t n) {
  std::vector<DueTimer> out;
  for (const auto row : db_->rows("SELECT m.terminal, m.kind, m.due_at FROM timer m JOIN terminal "
                                  "t ON t.id=m.terminal WHERE "
                                  "m.due_at <= $1 AND (m.kind>=$2 OR (t.told=1 AND (t.live=1 OR "
                                  "m.by_wall=1))) ORDER BY m.due_at LIMIT $3",
                                  micros(now), collectors_own, n)) {
    out.push_back(
        {row.integer(0), static_cast<TimerKind>(row.integer(1)), wall_from(row.integer(2))});
  }
  return out;
}

std::optional<WallTime> SqliteStore::next_timer() {
  const auto due = db_->integer(
      "SELECT m.due_at FROM timer m JOIN terminal t ON t.id=m.terminal WHERE m.kind>=$1 OR "
      "(t.told=1 AND (t.live=1 OR m.by_wall=1)) ORDER BY m.due_at LIMIT 1",
      collectors_own);
  if (!due) return std::nullopt;
  return wall_from(*due);
}

void SqliteStore::put_off(const DueTimer& due, WallTime to) {
  db_->run("UPDATE timer SET due_at=$4 WHERE terminal=$1 AND kind=$2 AND due_at=$3", due.terminal,
           due.kind, micros(due.due), micros(to));
}

std::string SqliteStore::next_order_number(std::string_view day) {
  const auto n = db_->integer(
      "INSERT INTO order_number (day, last) VALUES ($1, 1) ON CONFLICT (day) DO UPDATE SET "
      "last=order_number.last+1 RETURNING last",
      day);
  std::string compact{day};
  std::erase(compact, '-');
  return fmt::format("{}-{:06}", compact, n.value_or(0));
}

std::optional<Order> SqliteStore::find_order(std::string_view id_or_number) {
  static const std::string sql =
      fmt::format("SELECT {} FROM work_order WHERE id=$1 OR number=$1", rows::order_columns);
  std::optional<Order> out;
  for (const auto row : db_->rows(sql, id_or_number)) out = rows::order(row);
  return out;
}

void SqliteStore::set_order_committed(std::string_view id, WallTime at) {
  db_->run("UPDATE work_order SET committed_at=$2 WHERE id=$1", id, micros(at));
}

std::vector<CertificateRow> SqliteStore::certificates() {
  std::vector<CertificateRow> out;
  for (const auto row :
       db_->rows("SELECT c.serial, c.terminal, t.code, c.revoked_at, c.used_at, c.superseded_at "
                 "FROM certificate c JOIN terminal t ON t.id=c.terminal")) {
    out.push_back({row.text(0), row.integer(1), row.text(2), !row.null(3), !row.null(4), {}});
    if (!row.null(5)) out.back().superseded_at = wall_from(row.integer(5));
  }
  return out;
}

void SqliteStore::put_certificate(const CertificateRow& row, WallTime not_after, WallTime now) {
  db_->run("INSERT INTO certificate (serial, terminal, issued_at, not_after) VALUES ($1,$2,$3,$4)",
           row.serial, row.terminal, micros(now), micros(not_after));
}

void SqliteStore::put_token(std::string_view hash, TerminalKey terminal, WallTime expires_at,
                            WallTime now) {
  db_->run(
      "INSERT INTO enrolment_token (hash, terminal, created_at, expires_at) VALUES ($1,$2,$3,$4)",
      hash, terminal, micros(now), micros(expires_at));
}

std::optional<TokenRow> SqliteStore::find_token(std::string_view hash) {
  std::optional<TokenRow> out;
  for (const auto row :
       db_->rows("SELECT k.terminal, t.code, k.expires_at, k.used_at FROM enrolment_token k JOIN "
                 "terminal t ON t.id=k.terminal WHERE k.hash=$1",
                 hash)) {
    out = TokenRow{row.integer(0), row.text(1), wall_from(row.integer(2)), !row.null(3)};
  }
  return out;
}

void SqliteStore::use_token(std::string_view hash, WallTime now) {
  db_->run("UPDATE enrolment_token SET used_at=$2 WHERE hash=$1", hash, micros(now));
}

void SqliteStore::audit(const AuditEntry& entry) { Applier{*db_, 0}(Audited{entry}); }

void SqliteStore::touch(WallTime now) {
  db_->run(
      "INSERT INTO pulse (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at=excluded.at",
      micros(now));
}

void SqliteStore::tidy() {
  std::error_code none;
  const auto size = std::filesystem::file_size(wal_, none);
  if (none || size < worth_emptying) return;
  // A reader that stayed long let the log grow: give the space back once it has gone.
  const bool large = size >= static_cast<std::uintmax_t>(wal_limit);
  // While the database can still grow by all that is in the log: on a disk that the log has filled
  // it could not, and neither could ever be written again.
  const auto room = std::filesystem::space(wal_.parent_path(), none).available;
  const bool tight = !none && room < 2 * size && size != not_emptied_;
  if (large || tight) empty_log();
}

/// Never waiting for a reader: the writer has kiosks to answer.
void SqliteStore::empty_log() {
  db_->script("PRAGMA busy_timeout=0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout=5000;");
  if (auto failure = db_->forgive()) log::warning("checkpoint-failed", {{"reason", *failure}});
  std::error_code none;
  const auto left = std::filesystem::file_size(wal_, none);
  not_emptied_ = none ? 0 : left;
}

}  // namespace kw::collector
