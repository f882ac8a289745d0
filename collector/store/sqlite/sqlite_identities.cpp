#include "collector/store/sqlite/sqlite_identities.hpp"

#include <array>

namespace kw::collector {
namespace {

std::optional<std::int64_t> micros_of(const std::optional<WallTime>& t) {
  if (!t) return std::nullopt;
  return micros(*t);
}

std::optional<WallTime> time_at(const db::Row& row, int column) {
  if (row.null(column)) return std::nullopt;
  return wall_from(row.integer(column));
}

constexpr std::string_view columns =
    "SELECT p.id, p.key_sha256, p.hostname, p.serial, p.os, p.address, p.first_seen_at, "
    "p.last_seen_at, p.knocks, p.state, coalesce(p.terminal, 0), coalesce(t.code, ''), "
    "p.decided_at, p.decided_by, p.issued_at FROM provisioning p LEFT JOIN terminal t ON "
    "t.id=p.terminal ";

ProvisioningRow row_of(const db::Row& row) {
  return {.id = row.text(0),
          .key_sha256 = row.text(1),
          .facts = {row.text(2), row.text(3), row.text(4)},
          .address = row.text(5),
          .first_seen = wall_from(row.integer(6)),
          .last_seen = wall_from(row.integer(7)),
          .knocks = row.integer(8),
          .state = static_cast<ProvisioningState>(row.integer(9)),
          .terminal = row.integer(10),
          .terminal_code = row.text(11),
          .decided_at = time_at(row, 12),
          .decided_by = row.text(13),
          .issued_at = time_at(row, 14)};
}

std::optional<ProvisioningRow> one(db::Database& db, std::string_view where,
                                   std::string_view value) {
  std::optional<ProvisioningRow> out;
  for (const auto row : db.rows(std::string{columns}.append(where), value)) out = row_of(row);
  return out;
}

}  // namespace

std::string_view name(ProvisioningState state) {
  static constexpr std::array<std::string_view, 3> names{"waiting", "approved", "rejected"};
  return names.at(static_cast<std::size_t>(state));
}

std::vector<ProvisioningRow> read_provisioning(db::Database& db) {
  std::vector<ProvisioningRow> out;
  static const std::string sql = std::string{columns} + "ORDER BY p.last_seen_at DESC, p.id DESC";
  for (const auto row : db.rows(sql)) out.push_back(row_of(row));
  return out;
}

std::optional<CertificateRow> SqliteIdentities::find_certificate(std::string_view serial) {
  std::optional<CertificateRow> out;
  for (const auto row :
       db_.rows("SELECT c.terminal, t.code, c.revoked_at, c.used_at, c.superseded_at FROM "
                "certificate c JOIN terminal t ON t.id=c.terminal WHERE c.serial=$1",
                serial)) {
    out = CertificateRow{.serial = std::string{serial},
                         .terminal = row.integer(0),
                         .terminal_code = row.text(1),
                         .revoked = !row.null(2),
                         .used = !row.null(3),
                         .superseded_at = time_at(row, 4)};
  }
  return out;
}

std::vector<CertificateRow> SqliteIdentities::revoke(TerminalKey terminal, std::string_view serial,
                                                     std::string_view why, WallTime now) {
  std::vector<CertificateRow> out;
  for (const auto row :
       db_.rows("SELECT c.serial, t.code, c.used_at FROM certificate c JOIN terminal t ON "
                "t.id=c.terminal WHERE c.terminal=$1 AND c.revoked_at IS NULL AND ($2='' OR "
                "c.serial=$2)",
                terminal, serial)) {
    out.push_back({.serial = row.text(0),
                   .terminal = terminal,
                   .terminal_code = row.text(1),
                   .revoked = true,
                   .used = !row.null(2)});
  }
  for (const auto& row : out) {
    db_.run("UPDATE certificate SET revoked_at=$2, revoked_why=$3 WHERE serial=$1", row.serial,
            micros(now), why);
  }
  return out;
}

std::vector<CertificateRow> SqliteIdentities::first_used(std::string_view serial, WallTime now) {
  std::vector<CertificateRow> out;
  db_.run("UPDATE certificate SET used_at=$2 WHERE serial=$1 AND used_at IS NULL", serial,
          micros(now));
  for (const auto row :
       db_.rows("SELECT o.serial, o.terminal, t.code, o.used_at FROM certificate c JOIN "
                "certificate o ON o.terminal=c.terminal AND o.serial<>c.serial AND "
                "o.issued_at<=c.issued_at JOIN terminal t ON t.id=o.terminal WHERE c.serial=$1 AND "
                "o.superseded_at IS NULL AND o.revoked_at IS NULL",
                serial)) {
    out.push_back({.serial = row.text(0),
                   .terminal = row.integer(1),
                   .terminal_code = row.text(2),
                   .used = !row.null(3),
                   .superseded_at = now});
  }
  for (const auto& row : out) {
    db_.run("UPDATE certificate SET superseded_at=$2 WHERE serial=$1", row.serial, micros(now));
  }
  return out;
}

std::int64_t SqliteIdentities::issued_since(TerminalKey terminal, WallTime since) {
  return db_
      .integer("SELECT count(*) FROM certificate WHERE terminal=$1 AND issued_at>=$2", terminal,
               micros(since))
      .value_or(0);
}

void SqliteIdentities::drop_tokens(TerminalKey terminal, WallTime now) {
  db_.run("UPDATE enrolment_token SET used_at=$2 WHERE terminal=$1 AND used_at IS NULL", terminal,
          micros(now));
}

std::optional<ProvisioningRow> SqliteIdentities::find_provisioning(std::string_view id) {
  return one(db_, "WHERE p.id=$1", id);
}

std::optional<ProvisioningRow> SqliteIdentities::find_key(std::string_view key_sha256) {
  return one(db_, "WHERE p.key_sha256=$1", key_sha256);
}

std::int64_t SqliteIdentities::provisioning_size() {
  return db_.integer("SELECT count(*) FROM provisioning").value_or(0);
}

std::int64_t SqliteIdentities::waiting_from(std::string_view address) {
  return db_
      .integer("SELECT count(*) FROM provisioning WHERE address=$1 AND state=$2", address,
               static_cast<std::int64_t>(ProvisioningState::waiting))
      .value_or(0);
}

void SqliteIdentities::put_provisioning(const ProvisioningRow& r) {
  std::optional<std::int64_t> terminal;
  if (r.terminal != 0) terminal = r.terminal;
  db_.run(
      "INSERT INTO provisioning (id, key_sha256, hostname, serial, os, address, first_seen_at, "
      "last_seen_at, knocks, state, terminal, decided_at, decided_by, issued_at) VALUES "
      "($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14) ON CONFLICT (id) DO UPDATE SET "
      "hostname=excluded.hostname, serial=excluded.serial, os=excluded.os, "
      "address=excluded.address, last_seen_at=excluded.last_seen_at, knocks=excluded.knocks, "
      "state=excluded.state, terminal=excluded.terminal, decided_at=excluded.decided_at, "
      "decided_by=excluded.decided_by, issued_at=excluded.issued_at",
      r.id, r.key_sha256, r.facts.hostname, r.facts.serial, r.facts.os, r.address,
      micros(r.first_seen), micros(r.last_seen), r.knocks, r.state, terminal,
      micros_of(r.decided_at), r.decided_by, micros_of(r.issued_at));
}

bool SqliteIdentities::drop_oldest_provisioning() {
  return db_
      .integer(
          "DELETE FROM provisioning WHERE id=(SELECT id FROM provisioning WHERE state<>$1 OR "
          "issued_at IS NOT NULL ORDER BY last_seen_at, id LIMIT 1) RETURNING 1",
          ProvisioningState::approved)
      .has_value();
}

void SqliteIdentities::reject_provisioning_of(TerminalKey terminal, WallTime now) {
  db_.run(
      "UPDATE provisioning SET state=$2, decided_at=$3 WHERE terminal=$1 AND state=$4 AND "
      "issued_at IS NULL",
      terminal, ProvisioningState::rejected, micros(now), ProvisioningState::approved);
  // The key of a kiosk whose certificates were withdrawn gets none on the old approval either.
  db_.run("DELETE FROM provisioning WHERE terminal=$1 AND issued_at IS NOT NULL", terminal);
}

}  // namespace kw::collector
