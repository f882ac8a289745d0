#include "agent/outbox/salvage.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "agent/outbox/epoch_name.hpp"
#include "agent/outbox/record.hpp"

namespace kw::agent {
namespace {

constexpr std::uint64_t longest_skip = 4'096;
constexpr int rows_per_commit = 1'000;
constexpr std::string_view after_epoch_keys = "epoch0";  // the character behind the slash
constexpr std::uint64_t longest_file = 8ULL * 1024 * 1024 * 1024;

struct Epoch {
  std::int64_t ordinal;
  std::uint64_t epoch;
  std::string boot_id;
  std::uint64_t acked;
  std::uint64_t last;
  std::optional<std::int64_t> offset;
  bool acked_known = true;
};

class Salvage {
 public:
  Salvage(db::Database& from, db::Database& into, const Clock& clock, MonoTime until)
      : from_(from), into_(into), clock_(clock), until_(until) {}

  Salvaged run() {
    meta();
    devices();
    commands();
    supplies();
    told();
    for (auto& epoch : epochs()) copy(epoch);
    return out_;
  }

 private:
  void meta() {
    db::Transaction transaction{into_};
    for (const db::Row row : from_.rows("SELECT key, value FROM meta WHERE key<>'salvaged'")) {
      into_.run("INSERT OR IGNORE INTO meta (key, value) VALUES ($1,$2)", row.text(0),
                db::blob(row.bytes(1)));
    }
    from_.forgive();
    (void)transaction.commit();
  }

  void devices() {
    db::Transaction transaction{into_};
    for (const db::Row row : from_.rows("SELECT name, status, identity, crc FROM device")) {
      const std::string both = row.text(1) + row.text(2);
      if (static_cast<std::uint32_t>(row.integer(3)) != checksum(both)) continue;
      into_.run("INSERT OR REPLACE INTO device (name, status, identity, crc) VALUES ($1,$2,$3,$4)",
                row.text(0), db::blob(row.bytes(1)), db::blob(row.bytes(2)), row.integer(3));
    }
    from_.forgive();
    (void)transaction.commit();
  }

  void commands() {
    db::Transaction transaction{into_};
    for (const db::Row row : from_.rows("SELECT id, begun_wall_us, done FROM command")) {
      into_.run("INSERT OR REPLACE INTO command (id, begun_wall_us, done) VALUES ($1,$2,$3)",
                row.text(0), row.integer(1), row.integer(2));
    }
    from_.forgive();  // a file of an agent that knew no commands has no such table
    (void)transaction.commit();
  }

  void supplies() {
    db::Transaction transaction{into_};
    for (const db::Row row : from_.rows("SELECT device, type, body, crc FROM supply")) {
      if (static_cast<std::uint32_t>(row.integer(3)) != checksum(row.text(2))) continue;
      into_.run("INSERT OR REPLACE INTO supply (device, type, body, crc) VALUES ($1,$2,$3,$4)",
                row.text(0), row.text(1), row.text(2), row.integer(3));
    }
    from_.forgive();  // a file of an agent that knew no consumables has no such table
    (void)transaction.commit();
  }

  void told() {
    db::Transaction transaction{into_};
    for (const db::Row row : from_.rows("SELECT name, mark, answer, wall_us FROM told")) {
      if (late()) break;
      into_.run("INSERT OR REPLACE INTO told (name, mark, answer, wall_us) VALUES ($1,$2,$3,$4)",
                row.text(0), db::blob(row.bytes(1)), db::blob(row.bytes(2)), row.integer(3));
    }
    from_.forgive();  // nor has one of an agent without a data assistant
    (void)transaction.commit();
  }

  /// By their rows, and where those are damaged by their names in `meta`: how far they were
  /// acknowledged is then unknown, and everything that is kept is sent once more.
  std::vector<Epoch> epochs() {
    std::map<std::int64_t, Epoch> found;
    for (const db::Row row : from_.rows("SELECT ordinal, epoch, boot_id, acked, last, "
                                        "clock_offset_us FROM epoch ORDER BY 1")) {
      Epoch e{row.integer(0),          row.unsigned_integer(1), row.text(2),
              row.unsigned_integer(3), row.unsigned_integer(4), std::nullopt};
      if (!row.null(5)) e.offset = row.integer(5);
      if (e.epoch != 0 && e.acked <= e.last) found.try_emplace(e.ordinal, std::move(e));
    }
    from_.forgive();
    for (const db::Row row : from_.rows("SELECT key, value FROM meta WHERE key>=$1 AND key<$2",
                                        epoch_keys, after_epoch_keys)) {
      const auto key = row.text(0);
      std::int64_t ordinal = 0;
      const auto* const end = key.data() + key.size();
      const auto number = std::from_chars(key.data() + epoch_keys.size(), end, ordinal);
      if (number.ec != std::errc{} || number.ptr != end || found.contains(ordinal)) continue;
      auto name = read_epoch_name(ordinal, row.text(1));
      if (!name || name->epoch == 0) continue;
      Epoch e{ordinal, name->epoch, std::move(name->boot_id), 0, 0, std::nullopt, false};
      found.emplace(ordinal, std::move(e));
    }
    from_.forgive();
    std::vector<Epoch> out;
    for (auto& [ordinal, e] : found) {
      if (!e.acked_known) e.last = last_number(ordinal);
      out.push_back(std::move(e));
    }
    return out;
  }

  std::uint64_t last_number(std::int64_t ordinal) {
    const auto last = from_.integer("SELECT max(seq) FROM record WHERE ordinal=$1", ordinal);
    from_.forgive();
    return static_cast<std::uint64_t>(std::max<std::int64_t>(last.value_or(0), 0));
  }

  bool late() const { return clock_.mono() >= until_; }

  /// Rows of one epoch in order. A page that cannot be read is stepped over in growing strides.
  void copy(Epoch& epoch) {
    into_.run("BEGIN IMMEDIATE");
    next_ = 0;
    std::uint64_t from = 1;
    std::uint64_t skip = 1;
    while (!late()) {
      const std::uint64_t reached = read_on(epoch, from);
      if (!from_.forgive()) break;  // to the end
      skip = reached > from ? 1 : std::min(skip * 2, longest_skip);
      from = std::max(reached, from) + skip;
      if (from > epoch.last) break;
    }
    if (next_ == 0) next_ = epoch.acked + 1;
    epoch.last = std::max(epoch.last, next_ - 1);
    if (next_ <= epoch.last) lost(epoch, next_, epoch.last - next_ + 1);
    into_.run(
        "INSERT OR REPLACE INTO epoch (ordinal, epoch, boot_id, acked, last, clock_offset_us) "
        "VALUES ($1,$2,$3,$4,$5,$6)",
        epoch.ordinal, epoch.epoch, db::blob(epoch.boot_id), epoch.acked, epoch.last, epoch.offset);
    into_.run("COMMIT");
    into_.forgive();
  }

  /// Copies from `from` on until a failure or the end; returns the number after the last row seen.
  std::uint64_t read_on(Epoch& epoch, std::uint64_t from) {
    for (const db::Row row : from_.rows("SELECT " KW_RECORD_COLUMNS
                                        " FROM record WHERE ordinal=$1 AND seq>=$2 ORDER BY seq",
                                        epoch.ordinal, from)) {
      const auto record = read_record(row);
      if (late()) break;
      if (!record || record->ordinal != epoch.ordinal || record->count == 0) continue;
      if (next_ == 0) {
        // Before the first row: acknowledged and pruned, unless it was still to be sent.
        if (!epoch.acked_known) epoch.acked = record->seq - 1;
        next_ = std::min(record->seq, epoch.acked + 1);
      }
      if (record->seq < next_) continue;
      if (record->seq > next_) lost(epoch, next_, record->seq - next_);
      insert(into_, *record);
      next_ = record->end();
      from = next_;
      ++out_.kept;
      if (out_.kept % rows_per_commit == 0) {
        into_.run("COMMIT");
        into_.run("BEGIN IMMEDIATE");
      }
    }
    return from;
  }

  void lost(const Epoch& epoch, std::uint64_t first, std::uint64_t count) {
    insert(into_, gap_record(epoch.ordinal, first, count, {}, "damaged", 0, 0));
    out_.lost += count;
    next_ = first + count;
  }

  db::Database& from_;
  db::Database& into_;
  const Clock& clock_;
  MonoTime until_;
  Salvaged out_;
  std::uint64_t next_ = 0;  ///< the next number to be accounted for in this epoch; 0: none yet
};

}  // namespace

namespace {

/// SQLite refuses a file that is shorter than its header says. Filled up with zeros the pages that
/// are there can be read; the others are damaged like any.
void fill_up(const std::filesystem::path& file) {
  std::array<unsigned char, 32> header{};
  std::ifstream in{file, std::ios::binary};
  if (!in.read(reinterpret_cast<char*>(header.data()), header.size())) return;
  const auto big_endian = [&](std::size_t at, std::size_t bytes) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < bytes; ++i) out = (out << 8) | header[at + i];
    return out;
  };
  const auto wanted = big_endian(16, 2) * big_endian(28, 4);
  std::error_code failed;
  const auto size = std::filesystem::file_size(file, failed);
  if (failed || size >= wanted || wanted > longest_file) return;
  std::filesystem::resize_file(file, wanted, failed);  // a sparse tail: costs no disk
}

}  // namespace

Result<Salvaged> salvage(const std::filesystem::path& damaged, db::Database& into,
                         const Clock& clock, MonoTime until) {
  db::Database::Options options;
  options.create = false;
  fill_up(damaged);
  auto from = db::Database::open(damaged, options);
  if (!from) return std::move(from).error();
  // The damaged file stays as it was found: nothing of its log is written back into it.
  sqlite3_db_config((*from)->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  Salvage work{**from, into, clock, until};
  return work.run();
}

}  // namespace kw::agent
