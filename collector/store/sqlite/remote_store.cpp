// What is asked of kiosks from afar, written: commands and configurations.
#include <fmt/format.h>

#include "collector/store/sqlite/rows.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"

namespace kw::collector {
namespace {

using rows::bits;

constexpr int commands_kept = 200;       ///< ended ones, per terminal; the audit keeps the rest
constexpr int configurations_kept = 10;  ///< per terminal

std::optional<std::int64_t> micros_of(const std::optional<WallTime>& t) {
  if (!t) return std::nullopt;
  return micros(*t);
}

constexpr auto last_open = CommandState::sent;
static_assert(open(CommandState::waiting) && open(last_open) && !open(CommandState::done));

}  // namespace

std::uint64_t SqliteStore::put_command(const Command& c) {
  const auto seq =
      db_->integer("SELECT coalesce(max(seq), 0) + 1 FROM command WHERE terminal=$1", c.terminal)
          .value_or(0);
  db_->run(
      "INSERT INTO command (id, terminal, seq, verb, args, created_at, created_by, expires_at, "
      "state) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)",
      c.id, c.terminal, seq, c.verb, c.args, micros(c.created_at), c.created_by,
      micros(c.expires_at), c.state);
  db_->run("DELETE FROM command WHERE terminal=$1 AND seq <= $2 AND state > $3", c.terminal,
           seq - commands_kept, last_open);
  static_cast<void>(expire_commands(c.terminal, c.created_at));
  return static_cast<std::uint64_t>(seq);
}

std::optional<Command> SqliteStore::find_command(std::string_view id) {
  static const std::string sql =
      fmt::format("SELECT {} FROM command WHERE id=$1", rows::command_columns);
  std::optional<Command> out;
  for (const auto row : db_->rows(sql, id)) out = rows::command(row);
  return out;
}

std::vector<Command> SqliteStore::open_commands(TerminalKey terminal, WallTime now) {
  static const std::string sql = fmt::format(
      "SELECT {} FROM command WHERE terminal=$1 AND state <= $2 AND expires_at > $3 ORDER BY seq",
      rows::command_columns);
  std::vector<Command> out;
  for (const auto row : db_->rows(sql, terminal, last_open, micros(now))) {
    out.push_back(rows::command(row));
  }
  return out;
}

void SqliteStore::set_commands_sent(TerminalKey terminal, std::uint64_t upto, WallTime now) {
  db_->run("UPDATE command SET state=$3, sent_at=$4 WHERE terminal=$1 AND seq <= $2 AND state=$5",
           terminal, bits(upto), CommandState::sent, micros(now), CommandState::waiting);
}

void SqliteStore::update_command(const Command& c) {
  db_->run(
      "UPDATE command SET state=$2, ended_at=$3, detail=$4, result=$5, bundle_sha256=$6, "
      "bundle_bytes=$7 WHERE id=$1",
      c.id, c.state, micros_of(c.ended_at), c.detail, db::blob(c.result), c.bundle_sha256,
      c.bundle_bytes);
}

std::vector<std::string> SqliteStore::expire_commands(TerminalKey terminal, WallTime now) {
  std::vector<std::string> ended;
  for (const auto row : db_->rows("UPDATE command SET state=$2, ended_at=$3 WHERE terminal=$1 AND "
                                  "state <= $4 AND expires_at <= $3 RETURNING id",
                                  terminal, CommandState::expired, micros(now), last_open)) {
    ended.push_back(row.text(0));
  }
  db_->run("DELETE FROM timer WHERE terminal=$1 AND kind=$2", terminal, TimerKind::command);
  db_->run(
      "INSERT INTO timer (terminal, kind, subject, code, since_epoch, since_seq, since_at, due_at, "
      "by_wall) SELECT $1, $2, '', '', 0, 0, $3, next.due, 0 FROM (SELECT min(expires_at) AS due "
      "FROM command WHERE terminal=$1 AND state <= $4) AS next WHERE next.due IS NOT NULL",
      terminal, TimerKind::command, micros(now), last_open);
  return ended;
}

std::optional<PushedConfiguration> SqliteStore::newest_configuration(TerminalKey terminal) {
  static const std::string sql =
      fmt::format("SELECT {} FROM terminal_configuration WHERE terminal=$1 ORDER BY n DESC LIMIT 1",
                  rows::configuration_columns);
  std::optional<PushedConfiguration> out;
  for (const auto row : db_->rows(sql, terminal)) out = rows::configuration(row);
  return out;
}

std::vector<PushedConfiguration> SqliteStore::configurations(TerminalKey terminal) {
  constexpr std::string_view sql =
      "SELECT n, hash, '', pushed_at, pushed_by, state, detail, reported_at FROM "
      "terminal_configuration WHERE terminal=$1 ORDER BY n DESC";
  std::vector<PushedConfiguration> out;
  for (const auto row : db_->rows(sql, terminal)) out.push_back(rows::configuration(row));
  return out;
}

void SqliteStore::add_configuration(TerminalKey terminal, const PushedConfiguration& what) {
  const auto n =
      db_->integer("SELECT coalesce(max(n), 0) + 1 FROM terminal_configuration WHERE terminal=$1",
                   terminal)
          .value_or(0);
  db_->run(
      "INSERT INTO terminal_configuration (terminal, n, hash, body, pushed_at, pushed_by, state) "
      "VALUES ($1,$2,$3,$4,$5,$6,$7)",
      terminal, n, db::blob(what.hash), what.body, micros(what.pushed_at), what.pushed_by,
      what.state);
  db_->run("DELETE FROM terminal_configuration WHERE terminal=$1 AND n <= $2", terminal,
           n - configurations_kept);
}

void SqliteStore::set_configuration_state(TerminalKey terminal, const PushedConfiguration& what) {
  db_->run(
      "UPDATE terminal_configuration SET state=$3, detail=$4, reported_at=$5 WHERE terminal=$1 AND "
      "n=$2",
      terminal, what.n, what.state, what.detail, micros_of(what.reported_at));
}

void SqliteStore::set_configuration_in_force(TerminalKey terminal, std::string_view hash) {
  db_->run(
      "UPDATE terminal SET configuration_hash=$2 WHERE id=$1 AND configuration_hash IS DISTINCT "
      "FROM $2",
      terminal, db::blob(hash));
}

void SqliteStore::set_configuration_local(TerminalKey terminal, bool local) {
  db_->run("UPDATE terminal SET configuration_local=$2 WHERE id=$1 AND configuration_local<>$2",
           terminal, local);
}

}  // namespace kw::collector
