#include "collector/store/sqlite/carry_over.hpp"

#include "collector/store/store.hpp"
#include "common/db/database.hpp"

namespace kw::collector {
namespace {

/// The last entry of the backup's audit must be one of the store's: else they are two histories,
/// and numbers in one mean other things than in the other.
constexpr std::string_view continues =
    "SELECT count(*) FROM main.audit m LEFT JOIN was.audit w ON w.id=m.id AND w.at=m.at AND "
    "w.action=m.action AND w.object=m.object WHERE m.id=(SELECT max(id) FROM main.audit) AND w.id "
    "IS NULL";

constexpr std::string_view same_terminals =
    "SELECT count(*) FROM main.terminal m WHERE NOT EXISTS (SELECT 1 FROM was.terminal w WHERE "
    "w.id=m.id AND w.code=m.code)";

constexpr std::string_view audits =
    "INSERT INTO main.audit SELECT * FROM was.audit WHERE id > (SELECT coalesce(max(id), 0) FROM "
    "main.audit) ORDER BY id";

constexpr std::string_view terminals =
    "INSERT INTO main.terminal (id, code, name, created_at) SELECT w.id, w.code, w.name, "
    "w.created_at FROM was.terminal w WHERE NOT EXISTS (SELECT 1 FROM main.terminal t WHERE "
    "t.id=w.id)";

constexpr std::string_view certificates =
    "INSERT OR REPLACE INTO main.certificate SELECT * FROM was.certificate EXCEPT SELECT * FROM "
    "main.certificate";

/// Rows of these are replaced by what they are now.
constexpr std::string_view rest =
    "INSERT OR REPLACE INTO main.enrolment_token SELECT * FROM was.enrolment_token;"
    "INSERT OR REPLACE INTO main.provisioning SELECT * FROM was.provisioning;"
    "INSERT OR REPLACE INTO main.terminal_configuration SELECT * FROM was.terminal_configuration;"
    "INSERT INTO main.order_number SELECT day, last FROM was.order_number WHERE true "
    "ON CONFLICT (day) DO UPDATE SET last=max(last, excluded.last);"
    "UPDATE main.terminal SET (maintenance_since, maintenance_until, maintenance_reason, "
    "maintenance_by) = (SELECT maintenance_since, maintenance_until, maintenance_reason, "
    "maintenance_by FROM was.terminal w WHERE w.id=terminal.id) WHERE id IN (SELECT id FROM "
    "was.terminal);";

/// When a maintenance ends by itself.
constexpr std::string_view no_ends = "DELETE FROM main.timer WHERE kind=$1";
constexpr std::string_view ends = "INSERT INTO main.timer SELECT * FROM was.timer WHERE kind=$1";

constexpr std::string_view commands =
    "INSERT OR REPLACE INTO main.command SELECT * FROM was.command EXCEPT SELECT * FROM "
    "main.command";

}  // namespace

Result<CarriedOver> carry_over(const std::filesystem::path& from,
                               const std::filesystem::path& into) {
  db::Database::Options options;
  options.create = false;
  options.plain = true;
  auto opened = db::Database::open(into, options);
  if (!opened) return std::move(opened).error();
  auto& db = **opened;
  db.run("ATTACH $1 AS was", from.string());
  const bool other = db.integer(continues).value_or(0) + db.integer(same_terminals).value_or(0) > 0;
  if (auto failure = db.forgive()) return std::move(*failure);
  if (other) {
    return Error{Errc::refused, "the backup is not of the store that is here"};
  }
  db::Transaction transaction{db};
  CarriedOver out;
  const auto carry = [&](std::string_view sql) {
    db.run(sql);
    return db.changes();
  };
  out.audits = carry(audits);
  out.terminals = carry(terminals);
  out.certificates = carry(certificates);
  out.commands = carry(commands);
  db.script(rest);
  db.run(no_ends, TimerKind::maintenance);
  db.run(ends, TimerKind::maintenance);
  auto done = transaction.commit();
  if (!done) return std::move(done).error();
  return out;
}

}  // namespace kw::collector
