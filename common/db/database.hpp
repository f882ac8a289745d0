#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "common/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace kw::db {

using Blob = std::span<const std::uint8_t>;

/// The bytes of a string, to be bound as a BLOB.
inline Blob blob(std::string_view bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

/// The row a cursor stands on. Texts and blobs live until the cursor moves.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  std::int64_t integer(int column) const;
  std::uint64_t unsigned_integer(int column) const {
    return static_cast<std::uint64_t>(integer(column));
  }
  double real(int column) const;
  bool boolean(int column) const { return integer(column) != 0; }
  std::string text(int column) const;
  std::string_view bytes(int column) const;
  bool null(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class Database;

/// The rows of one query, for a range-for. Ends early when the database fails; the database then
/// remembers why.
class Rows {
 public:
  Rows(Database& db, sqlite3_stmt* statement);
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows();

  class Iterator {
   public:
    Iterator(Rows* rows, bool end) : rows_(rows), end_(end) {}
    Row operator*() const { return Row{rows_->statement_}; }
    Iterator& operator++() {
      end_ = !rows_->advance();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return end_ != other.end_; }

   private:
    Rows* rows_;
    bool end_;
  };
  Iterator begin() { return {this, !advance()}; }
  Iterator end() { return {this, true}; }

 private:
  bool advance();
  Database& db_;
  sqlite3_stmt* statement_;
};

/// One SQLite connection, used by one thread at a time.
///
/// Failure is sticky: the first statement that fails is remembered, every later one is a no-op that
/// yields nothing, and `commit` (or `failure`) tells. So a transaction reads as the list of what it
/// does, and is checked once, where it ends.
class Database {
 public:
  struct Options {
    bool read_only = false;  ///< query_only on an existing file
    bool create = true;
    /// A file that is looked at or made as it is: neither its journal mode nor anything else is set.
    bool plain = false;
    /// EXTRA, because a file is made with a rollback journal, which comes back on systems that do
    /// not sync the folder and rolls the database back to nothing; once it is WAL, it is FULL.
    std::string_view synchronous = "EXTRA";
    int wal_autocheckpoint_pages = 1'000;
    std::int64_t journal_size_limit = 4 * 1024 * 1024;
    bool incremental_vacuum = false;  ///< must be chosen when the file is made
  };
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file,
                                                const Options& options);
  static Result<std::unique_ptr<Database>> in_memory();

  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  /// Runs one statement with its `$1…` parameters bound in order.
  template <class... Args>
  void run(std::string_view sql, const Args&... args) {
    for ([[maybe_unused]] const Row row : rows(sql, args...)) {
    }
  }

  /// Rows of a query: text, blobs and texts stay valid until the next step.
  template <class... Args>
  Rows rows(std::string_view sql, const Args&... args) {
    static_assert(sizeof...(args) <= most_parameters);
    const Prepared* statement = prepared(sql);
    if (statement == nullptr) return Rows{*this, nullptr};
    std::size_t number = 0;
    (bind(statement->handle, statement->slots[number++], args), ...);
    return Rows{*this, statement->handle};
  }

  /// The first column of the first row, nothing when there is no row or it is NULL.
  template <class... Args>
  std::optional<std::int64_t> integer(std::string_view sql, const Args&... args) {
    std::optional<std::int64_t> out;
    for (const Row row : rows(sql, args...)) {
      if (!row.null(0)) out = row.integer(0);
      break;
    }
    return out;
  }
  template <class... Args>
  std::optional<std::string> text(std::string_view sql, const Args&... args) {
    std::optional<std::string> out;
    for (const Row row : rows(sql, args...)) {
      if (!row.null(0)) out = row.text(0);
      break;
    }
    return out;
  }

  /// Several statements without parameters (schema, pragmas).
  void script(std::string_view sql);

  /// Rows changed by the last statement that changed any.
  std::int64_t changes() const;

  /// The failure that everything since has been refused for. Stays until `forgive`.
  const std::optional<Error>& failure() const { return failure_; }
  void fail(Error error);
  /// Takes the failure and makes the connection usable again, outside any transaction.
  std::optional<Error> forgive();
  /// The SQLite result code of that failure (SQLITE_FULL, SQLITE_CORRUPT …), 0 without one.
  int failure_code() const { return failure_code_; }

  sqlite3* handle() const { return db_; }

 private:
  friend class Rows;
  explicit Database(sqlite3* db) : db_(db) {}

  static constexpr std::size_t most_parameters = 24;
  struct Prepared {
    sqlite3_stmt* handle = nullptr;
    /// To SQLite "$2" is a name: its slot is the order in which it first appears in the text.
    std::array<int, most_parameters> slots{};
  };
  const Prepared* prepared(std::string_view sql);
  void bind_integer(sqlite3_stmt* statement, int index, std::int64_t value);
  void bind_real(sqlite3_stmt* statement, int index, double value);
  void bind_text(sqlite3_stmt* statement, int index, std::string_view value);
  void bind_blob(sqlite3_stmt* statement, int index, Blob value);
  void bind_null(sqlite3_stmt* statement, int index);
  void note_failure(int code);

  template <class T>
  void bind(sqlite3_stmt* statement, int index, const T& value) {
    if constexpr (std::is_same_v<T, std::nullopt_t>) {
      bind_null(statement, index);
    } else if constexpr (requires { value.has_value(); }) {
      if (value) {
        bind(statement, index, *value);
      } else {
        bind_null(statement, index);
      }
    } else if constexpr (std::is_floating_point_v<T>) {
      bind_real(statement, index, value);
    } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
      bind_integer(statement, index, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_same_v<T, Blob>) {
      bind_blob(statement, index, value);
    } else {
      bind_text(statement, index, value);
    }
  }

  sqlite3* db_;
  std::unordered_map<std::string_view, Prepared> statements_;
  std::vector<std::unique_ptr<std::string>> sql_;  ///< what the map's keys point into
  std::optional<Error> failure_;
  int failure_code_ = 0;
};

/// All or nothing. Rolled back on destruction unless committed.
class Transaction {
 public:
  explicit Transaction(Database& db);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  /// The first failure of any statement since the start, or of COMMIT itself: then nothing of it
  /// was kept.
  Result<void> commit();

 private:
  Database& db_;
  bool open_ = true;
};

/// A part of a transaction that can fail alone.
class Savepoint {
 public:
  explicit Savepoint(Database& db);
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;
  /// Rolls back to its start unless released.
  ~Savepoint();

  /// Keeps the part. On failure the part is undone, the failure taken, and the outer transaction
  /// goes on; when SQLite itself gave the transaction up the failure stays on the database.
  Result<void> release();

 private:
  void undo();
  Database& db_;
  bool open_ = true;
};

}  // namespace kw::db
