#include "common/db/migrations.hpp"

#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace kw::db {
namespace {

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string out;
  for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", digest[i]);
  return out;
}

/// Files made before it was noted have no such column.
bool notes_program(Database& db) {
  return db.integer("SELECT 1 FROM pragma_table_info('schema_migration') WHERE name='program'")
      .has_value();
}

Error newer(Database& db, int have, int want) {
  std::string wanted;
  if (notes_program(db)) {
    wanted = db.text("SELECT program FROM schema_migration WHERE number=$1", have).value_or("");
  }
  db.forgive();
  return {Errc::unsupported,
          fmt::format("the file has schema {}, this program ({}) knows up to {}: install {}", have,
                      KW_VERSION, want,
                      wanted.empty() ? "the version that wrote it, or a later one"
                                     : "version " + wanted + ", or a later one")};
}

}  // namespace

int schema_version(Database& db) {
  if (!db.integer("SELECT 1 FROM sqlite_master WHERE type='table' AND name='schema_migration'")) {
    return 0;
  }
  return static_cast<int>(db.integer("SELECT max(number) FROM schema_migration").value_or(0));
}

Result<void> migrate(Database& db, std::span<const Migration> migrations) {
  const int have = schema_version(db);
  if (auto failure = db.forgive()) return std::move(*failure);
  const int want = migrations.empty() ? 0 : migrations.back().number;
  if (have > want) {
    return newer(db, have, want);
  }
  for (const auto& step : migrations) {
    const auto checksum = sha256_hex(step.sql);
    if (step.number <= have) {
      const auto recorded =
          db.text("SELECT checksum FROM schema_migration WHERE number=$1", step.number);
      if (recorded && *recorded != checksum) {
        return Error{Errc::unsupported,
                     fmt::format("schema step {} ({}) differs from the one this file was made with",
                                 step.number, step.name)};
      }
      continue;
    }
    Transaction transaction{db};
    db.script(
        "CREATE TABLE IF NOT EXISTS schema_migration (number BIGINT PRIMARY KEY, name TEXT NOT "
        "NULL, "
        "checksum TEXT NOT NULL)");
    if (!notes_program(db)) {
      db.script("ALTER TABLE schema_migration ADD COLUMN program TEXT NOT NULL DEFAULT ''");
    }
    db.script(step.sql);
    db.run("INSERT INTO schema_migration (number, name, checksum, program) VALUES ($1, $2, $3, $4)",
           step.number, step.name, checksum, KW_VERSION);
    auto done = transaction.commit();
    if (!done) {
      return std::move(done).error().within(
          fmt::format("schema step {} ({})", step.number, step.name));
    }
  }
  if (auto failure = db.forgive()) return std::move(*failure);
  return {};
}

}  // namespace kw::db
