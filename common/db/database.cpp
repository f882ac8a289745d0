#include "common/db/database.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace kw::db {
namespace {

constexpr int busy_timeout_ms = 5'000;

/// Whether the disk is at fault, another connection, or what was to be written.
Errc kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
      return Errc::busy;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return Errc::invalid;
    default:
      return Errc::storage;
  }
}

}  // namespace

std::int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Row::real(int column) const { return sqlite3_column_double(statement_, column); }
bool Row::null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string Row::text(int column) const { return std::string{bytes(column)}; }

std::string_view Row::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return data == nullptr ? std::string_view{}
                         : std::string_view{static_cast<const char*>(data), size};
}

Rows::Rows(Database& db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}

Rows::~Rows() {
  if (statement_ != nullptr) {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
}

bool Rows::advance() {
  if (statement_ == nullptr || db_.failure_) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) db_.note_failure(code);
  return false;
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file,
                                                 const Options& options) {
  sqlite3* raw = nullptr;
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    (options.create && !options.read_only ? SQLITE_OPEN_CREATE : 0) |
                    SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(file.string().c_str(), &raw, flags, nullptr);
  std::unique_ptr<Database> db{new Database{raw}};
  if (code != SQLITE_OK) {
    return Error{Errc::storage, fmt::format("cannot open {}: {}", file.string(),
                                            raw != nullptr ? sqlite3_errmsg(raw) : "no memory")};
  }
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, busy_timeout_ms);
  if (options.read_only) {
    db->script("PRAGMA query_only=ON; PRAGMA cache_size=-8000;");
  } else if (!options.plain) {
    // First of all: making the file and its change to WAL are transactions already.
    db->script(fmt::format("PRAGMA synchronous={};", options.synchronous));
    // On a file that is there the PRAGMA changes nothing and still writes its first page: on a full
    // disk that file could not be opened.
    const bool fresh = db->integer("PRAGMA page_count").value_or(0) == 0;
    if (options.incremental_vacuum && fresh) db->script("PRAGMA auto_vacuum=INCREMENTAL;");
    db->script(
        fmt::format("PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON; "
                    "PRAGMA wal_autocheckpoint={}; PRAGMA journal_size_limit={};",
                    options.wal_autocheckpoint_pages, options.journal_size_limit));
  }
  const int kind = db->failure_code() & 0xff;
  if (auto failure = db->forgive()) {
    auto why = std::move(*failure).within(file.filename().string());
    // The file itself is wrong, not the disk below it: that never passes.
    if (kind == SQLITE_NOTADB || kind == SQLITE_CORRUPT) return Error{Errc::garbled, why.text()};
    return why;
  }
  return db;
}

Result<std::unique_ptr<Database>> Database::in_memory() {
  Options options;
  return open(":memory:", options);
}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement.handle);
  sqlite3_close(db_);
}

const Database::Prepared* Database::prepared(std::string_view sql) {
  if (failure_) return nullptr;
  if (const auto it = statements_.find(sql); it != statements_.end()) {
    // A cursor still open on this statement would be reset under its reader's feet: our bug.
    assert(sqlite3_stmt_busy(it->second.handle) == 0);
    return &it->second;
  }
  Prepared statement;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement.handle, nullptr);
  if (code != SQLITE_OK) {
    note_failure(code);
    return nullptr;
  }
  for (std::size_t i = 0; i < most_parameters; ++i) {
    const std::string parameter = "$" + std::to_string(i + 1);
    statement.slots[i] = sqlite3_bind_parameter_index(statement.handle, parameter.c_str());
  }
  sql_.push_back(std::make_unique<std::string>(sql));
  return &statements_.emplace(*sql_.back(), statement).first->second;
}

void Database::bind_integer(sqlite3_stmt* s, int i, std::int64_t v) { sqlite3_bind_int64(s, i, v); }
void Database::bind_real(sqlite3_stmt* s, int i, double v) { sqlite3_bind_double(s, i, v); }
void Database::bind_null(sqlite3_stmt* s, int i) { sqlite3_bind_null(s, i); }

void Database::bind_text(sqlite3_stmt* s, int i, std::string_view v) {
  sqlite3_bind_text64(s, i, v.data() == nullptr ? "" : v.data(), v.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
}

void Database::bind_blob(sqlite3_stmt* s, int i, Blob v) {
  static constexpr std::uint8_t none = 0;
  sqlite3_bind_blob64(s, i, v.empty() ? &none : v.data(), v.size(), SQLITE_TRANSIENT);
}

void Database::note_failure(int code) {
  if (failure_) return;
  failure_code_ = code;
  failure_ = Error{kind_of(code), fmt::format("SQLite: {} ({})", sqlite3_errmsg(db_), code)};
}

void Database::fail(Error error) {
  if (!failure_) failure_ = std::move(error);
}

std::optional<Error> Database::forgive() {
  auto out = std::move(failure_);
  failure_.reset();
  failure_code_ = 0;
  return out;
}

void Database::script(std::string_view sql) {
  if (failure_) return;
  const std::string text{sql};
  const int code = sqlite3_exec(db_, text.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) note_failure(code);
}

std::int64_t Database::changes() const { return sqlite3_changes64(db_); }

Transaction::Transaction(Database& db) : db_(db) { db_.run("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!open_) return;
  // FULL, IOERR and NOMEM may have rolled it back already.
  if (sqlite3_get_autocommit(db_.handle()) == 0) {
    sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

Result<void> Transaction::commit() {
  db_.run("COMMIT");
  if (auto failure = db_.forgive()) {
    if (sqlite3_get_autocommit(db_.handle()) == 0) {
      sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    open_ = false;
    return std::move(*failure);
  }
  open_ = false;
  return {};
}

Savepoint::Savepoint(Database& db) : db_(db) { db_.run("SAVEPOINT part"); }

Savepoint::~Savepoint() {
  if (open_) undo();
}

void Savepoint::undo() {
  open_ = false;
  if (sqlite3_get_autocommit(db_.handle()) != 0) return;  // SQLite gave the whole up
  sqlite3_exec(db_.handle(), "ROLLBACK TO part; RELEASE part", nullptr, nullptr, nullptr);
}

Result<void> Savepoint::release() {
  if (db_.failure()) {
    const bool whole_gone = sqlite3_get_autocommit(db_.handle()) != 0;
    Error why = *db_.failure();
    undo();
    if (!whole_gone) db_.forgive();
    return why;
  }
  open_ = false;
  db_.run("RELEASE part");
  if (db_.failure()) return *db_.failure();
  return {};
}

}  // namespace kw::db
