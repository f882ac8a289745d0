// What was asked of kiosks from afar, read: commands and configurations.
#include <cstdlib>

#include <fmt/format.h>

#include "collector/store/sqlite/rows.hpp"
#include "collector/store/sqlite/sqlite_queries.hpp"

namespace kw::collector {
namespace {

constexpr int terminal_column = 15;  ///< after rows::command_columns

std::string command_sql(std::string_view rest) {
  return fmt::format(
      "SELECT c.*, t.code FROM (SELECT {} FROM command) AS c JOIN terminal t ON t.id=c.terminal {}",
      rows::command_columns, rest);
}

CommandRow command_row(const db::Row& row) {
  return {rows::command(row), row.text(terminal_column)};
}

}  // namespace

Result<Listing<CommandRow>> SqliteQueries::commands(const Page& page, std::string_view terminal) {
  start();
  Listing<CommandRow> out;
  const auto before =
      page.after.empty() ? INT64_MAX : std::strtoll(page.after.c_str(), nullptr, 10);
  const auto key = db_->integer("SELECT id FROM terminal WHERE code=$1", terminal);
  static const std::string sql =
      command_sql("WHERE c.terminal=$1 AND c.seq < $2 ORDER BY c.seq DESC LIMIT $3");
  for (const auto row : db_->rows(sql, key, before, page.limit + 1)) {
    out.items.push_back(command_row(row));
  }
  if (out.items.size() > page.limit) {
    out.items.pop_back();
    out.next = std::to_string(out.items.back().command.seq);
  }
  if (auto wrong = failed()) return std::move(*wrong);
  if (!key) return Error{Errc::missing, "no terminal " + std::string{terminal}};
  return out;
}

Result<CommandRow> SqliteQueries::command(std::string_view id) {
  start();
  static const std::string sql = command_sql("WHERE c.id=$1");
  std::optional<CommandRow> out;
  for (const auto row : db_->rows(sql, id)) out = command_row(row);
  if (auto wrong = failed()) return std::move(*wrong);
  if (!out) return Error{Errc::missing, "no command " + std::string{id}};
  return std::move(*out);
}

Result<ConfigurationRow> SqliteQueries::configuration(std::string_view terminal) {
  start();
  ConfigurationRow out{.terminal = std::string{terminal}};
  std::optional<std::int64_t> key;
  for (const auto row :
       db_->rows("SELECT id, configuration_hash, configuration_local FROM terminal WHERE code=$1",
                 terminal)) {
    key = row.integer(0);
    out.now.in_force = row.bytes(1);
    out.now.local = row.boolean(2);
  }
  static const std::string sql =
      fmt::format("SELECT {} FROM terminal_configuration WHERE terminal=$1 ORDER BY n DESC",
                  rows::configuration_columns);
  for (const auto row : db_->rows(sql, key)) {
    auto one = rows::configuration(row);
    if (!out.now.pushed) out.now.pushed = one;
    one.body.clear();
    out.history.push_back(std::move(one));
  }
  if (auto wrong = failed()) return std::move(*wrong);
  if (!key) return Error{Errc::missing, "no terminal " + out.terminal};
  return out;
}

}  // namespace kw::collector
