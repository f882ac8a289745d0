// How the outbox writes: room first, then one commit, and what to do when it fails.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include <sqlite3.h>

#include "agent/outbox/batch.hpp"
#include "agent/outbox/outbox.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

namespace fs = std::filesystem;

constexpr int attempts = 3;
constexpr std::size_t owed_most = 64;  // runs of one reason each
constexpr auto failures_said_every = std::chrono::seconds{60};
constexpr std::int64_t row_overhead = 96;            // key, columns, their share of the page
constexpr std::int64_t commit_overhead = 8 * 4'096;  // pages that one commit touches
constexpr const char* reserve_name = "outbox.reserve";

std::int64_t size_of(const std::vector<Record>& records) {
  std::int64_t bytes = commit_overhead;
  for (const auto& r : records) bytes += row_overhead + static_cast<std::int64_t>(r.body.size());
  return bytes;
}

std::string identity_bytes(const wire::Identity& identity) {
  pb::InventoryDevice out;
  out.set_vendor(identity.vendor);
  out.set_model(identity.model);
  out.set_serial(identity.serial);
  out.set_firmware(identity.firmware);
  return out.SerializeAsString();
}

}  // namespace

bool Outbox::commit(std::vector<Pending>& entries, const Beside& beside) {
  const auto bytes = size_of(entries);
  // Gaps and audit may use the last tenth; everything else stays below it.
  const bool reserved = std::ranges::all_of(
      entries, [](const Record& r) { return wire::row(r.event_class).drop_rank == 9; });
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (!room_for(bytes, reserved)) return false;
    const int code = try_commit(entries, beside);
    if (code == SQLITE_OK) {
      failing_ = false;
      return true;
    }
    mend(code, bytes);
  }
  failing_ = true;
  return false;
}

int Outbox::try_commit(std::vector<Pending>& entries, const Beside& beside) {
  // In memory it would be sent, and told again by who learned that it is not kept.
  if (beside.telling != nullptr && !file_.on_disk) return SQLITE_CANTOPEN;
  auto& db = *file_.db;
  auto row = current();
  db::Transaction transaction{db};
  for (auto gap : owed_) {
    gap.ordinal = row.ordinal;
    gap.seq = row.last + 1;
    row.last += gap.count;
    merge_owed(gap);
    insert(db, gap);
  }
  for (auto& entry : entries) {
    entry.ordinal = row.ordinal;
    entry.seq = ++row.last;
    insert(db, entry);
  }
  if (beside.device != nullptr) write_device(*beside.device);
  if (beside.done_command != nullptr) {
    write_command(*beside.done_command, {beside.done_wall_us, true});
  }
  if (beside.telling != nullptr) write_telling(*beside.telling, beside.told_wall_us);
  for (auto& e : epochs_) {
    if (e.dirty && e.ordinal != row.ordinal) write_epoch(e);
  }
  write_epoch(row);
  if (!entries.empty()) {
    put_meta("last_seen", std::to_string(entries.back().wall_us));
    put_meta("last_seen_mono", std::to_string(micros(clock_.mono())));
  }
  db.run("COMMIT");
  const int code = db.failure_code();
  if (const auto failed = db.forgive()) {
    say_failed("outbox-write-failed", *failed);
    return code == 0 ? SQLITE_ERROR : code & 0xff;
  }
  for (auto& e : epochs_) e.dirty = false;
  current().last = row.last;
  owed_.clear();
  return SQLITE_OK;
}

/// A gap that continues the one just before it becomes part of it.
void Outbox::merge_owed(Record& gap) {
  auto& db = *file_.db;
  std::optional<Record> before;
  for (const db::Row row : db.rows("SELECT " KW_RECORD_COLUMNS
                                   " FROM record WHERE ordinal=$1 ORDER BY seq DESC LIMIT 1",
                                   gap.ordinal)) {
    before = read_record(row);
  }
  if (!before || !merge(*before, gap)) return;
  db.run("DELETE FROM record WHERE ordinal=$1 AND seq=$2", before->ordinal, before->seq);
  gap = std::move(*before);
}

bool Outbox::room_for(std::int64_t bytes, bool reserved) {
  if (!file_.on_disk || retention_->fits(bytes)) return true;
  const bool made = retention_->make_room(prunable(), bytes);
  const int code = file_.db->failure_code();
  if (const auto failed = file_.db->forgive()) {
    say_failed("outbox-room-failed", *failed);
    mend(code & 0xff, bytes);
    return true;  // the commit itself shows whether it can be written now
  }
  return made || reserved;
}

/// After FULL, IOERR and NOMEM SQLite has rolled the whole batch back; it is written again as a
/// whole, once the reason has been dealt with.
void Outbox::mend(int code, std::int64_t bytes) {
  switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
      recover();
      break;
    case SQLITE_FULL: {
      std::error_code none;
      const bool given_up = fs::remove(options_.folder / reserve_name, none);
      if (given_up) log::warning("outbox-reserve-released");
      retention_->make_room(prunable(), bytes + options_.ceiling / 50);
      file_.db->forgive();
      break;
    }
    default:
      break;
  }
}

/// Numbers of events that could not be written: a gap, with the next commit that succeeds.
void Outbox::owe(const std::vector<Pending>& entries, std::string_view why) {
  for (const auto& entry : entries) {
    auto gap = gap_record(entry, why);
    gap.ordinal = current().ordinal;
    gap.seq = numbered() + 1;
    if (!owed_.empty() && merge(owed_.back(), gap)) continue;
    if (owed_.size() < owed_most) {
      owed_.push_back(std::move(gap));
    } else {
      owed_.back().count += gap.count;  // counted, under the reason of those before it
    }
  }
}

/// On a full disk every event fails, and the log may be on the same disk.
void Outbox::say_failed(const char* event, const Error& why) {
  const auto now = clock_.mono();
  if (said_failed_ && said_failed_->first == why.text() &&
      now - said_failed_->second < failures_said_every) {
    return;
  }
  said_failed_ = {why.text(), now};
  log::warning(event, {{"reason", why}});
}

void Outbox::write_device(const DeviceView& device) {
  const auto status = device.status.SerializeAsString();
  const auto identity = identity_bytes(device.identity);
  file_.db->run(
      "INSERT INTO device (name, status, identity, crc) VALUES ($1,$2,$3,$4) "
      "ON CONFLICT (name) DO UPDATE SET status=excluded.status, "
      "identity=excluded.identity, crc=excluded.crc",
      device.status.device(), db::blob(status), db::blob(identity), checksum(status + identity));
}

void Outbox::write_epoch(const EpochRow& e) {
  file_.db->run(
      "INSERT INTO epoch (ordinal, epoch, boot_id, acked, last, clock_offset_us) "
      "VALUES ($1,$2,$3,$4,$5,$6) ON CONFLICT (ordinal) DO UPDATE SET "
      "acked=excluded.acked, last=excluded.last, clock_offset_us=excluded.clock_offset_us",
      e.ordinal, e.epoch, db::blob(e.boot_id), e.acked, e.last, e.offset);
}

void Outbox::put_meta(std::string_view key, std::string_view value) {
  file_.db->run(
      "INSERT INTO meta (key, value) VALUES ($1,$2) "
      "ON CONFLICT (key) DO UPDATE SET value=excluded.value",
      key, db::blob(value));
}

/// Writes acknowledgements that no event has carried yet, and ends what was begun without one.
void Outbox::settle_writes() {
  auto& db = *file_.db;
  if (std::ranges::any_of(epochs_, &EpochRow::dirty)) {
    db::Transaction transaction{db};
    for (const auto& e : epochs_) {
      if (e.dirty) write_epoch(e);
    }
    if (transaction.commit()) {
      for (auto& e : epochs_) e.dirty = false;
    }
  }
  const int code = db.failure_code();
  if (const auto failed = db.forgive()) {
    say_failed("outbox-write-failed", *failed);
    mend(code & 0xff, commit_overhead);
  }
}

/// The file broke under us: what can be read moves to a fresh one. What is known in memory (epochs,
/// devices) is the truth and is written there.
void Outbox::recover() {
  retention_.reset();
  file_.db.reset();
  file_ = OutboxFile::recover({options_.folder, options_.ceiling}, clock_);
  notes_.insert(notes_.end(), file_.notes.begin(), file_.notes.end());
  auto& db = *file_.db;
  retention_ = std::make_unique<Retention>(db, options_.folder, options_.ceiling);
  db::Transaction transaction{db};
  for (const auto& e : epochs_) {
    write_epoch(e);
    name_epoch(e);
  }
  for (const auto& [name, device] : devices_) write_device(device);
  for (const auto& [id, command] : commands_) write_command(id, command);
  for (const auto& [key, body] : supplies_) write_supply(key, body);
  if (!epochs_.empty()) {
    put_meta("boot_id", current().boot_id);
    put_meta("clean", "0");
  }
  if (const auto done = transaction.commit(); !done) {
    log::error("outbox-recovery-failed", {{"reason", done.error()}});
  }
}

void Outbox::keep_reserve() const {
  const auto file = options_.folder / reserve_name;
  std::error_code failed;
  if (options_.reserve <= 0 || !file_.on_disk || fs::exists(file, failed)) return;
  const auto space = fs::space(options_.folder, failed);
  if (failed || space.available < static_cast<std::uintmax_t>(options_.reserve) * 4) return;
  std::ofstream out{file, std::ios::binary};
  const std::string block(64 * 1024, '\0');
  for (std::int64_t n = 0; n < options_.reserve && out;
       n += static_cast<std::int64_t>(block.size())) {
    out.write(block.data(), static_cast<std::streamsize>(block.size()));
  }
}

std::optional<pb::Batch> Outbox::batch_after(std::uint64_t epoch, std::uint64_t after,
                                             const Budget& budget) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto* row = find(epoch);
    if (row == nullptr || after >= row->last) return std::nullopt;
    auto batch = read_batch(*row, after, budget);
    const int code = file_.db->failure_code() & 0xff;
    const auto failed = file_.db->forgive();
    if (!failed) return batch;
    say_failed("outbox-read-failed", *failed);
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) recover();
  }
  return std::nullopt;
}

std::optional<pb::Batch> Outbox::read_batch(const EpochRow& epoch, std::uint64_t after,
                                            const Budget& budget) {
  auto& db = *file_.db;
  BatchBuilder builder{epoch.epoch, after + 1, budget};
  const auto start =
      db.integer("SELECT seq FROM record WHERE ordinal=$1 AND seq<=$2 ORDER BY seq DESC LIMIT 1",
                 epoch.ordinal, after + 1);
  // Numbers before the first row were acknowledged once and pruned; a hole later on is damage.
  bool rows_before = start.has_value();
  const auto missing = [&](std::uint64_t end) {
    return gap_record(epoch.ordinal, builder.next(), end - builder.next(), {},
                      rows_before ? "damaged" : "not-kept", 0, 0);
  };
  for (const db::Row row :
       db.rows("SELECT " KW_RECORD_COLUMNS " FROM record WHERE ordinal=$1 AND seq>=$2 ORDER BY seq",
               epoch.ordinal, start ? *start : static_cast<std::int64_t>(after + 1))) {
    auto record = read_record(row);
    if (!record || record->count == 0) {
      rows_before = true;  // a row that fails its checksum: part of the next hole
      continue;
    }
    if (record->end() <= builder.next()) continue;
    if (record->seq > builder.next() && !builder.add(missing(record->seq))) break;
    if (record->seq < builder.next()) {
      record->count = record->end() - builder.next();
      record->seq = builder.next();
    }
    if (!builder.add(*record)) break;
    rows_before = true;
  }
  if (db.failure()) return std::nullopt;
  if (!builder.full() && builder.next() <= epoch.last) builder.add(missing(epoch.last + 1));
  if (builder.empty()) return std::nullopt;
  return builder.take();
}

}  // namespace kw::agent
