#include "agent/outbox/outbox.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "agent/outbox/fit.hpp"
#include "common/log.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t identity_limit = 128;

pb::Event agent_note(const std::string& code, const std::string& detail) {
  pb::Event out;
  out.mutable_agent()->set_code(code);
  out.mutable_agent()->set_detail(fitting(detail, wire::text_limit));
  return out;
}

wire::Identity identity_from(std::string_view bytes) {
  pb::InventoryDevice in;
  in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return {in.vendor(), in.model(), in.serial(), in.firmware()};
}

/// What the device says of itself now; what it does not say now stays as it was.
wire::Identity joined(wire::Identity known, const wire::Identity& said) {
  if (!said.vendor.empty()) known.vendor = fitting(said.vendor, identity_limit);
  if (!said.model.empty()) known.model = fitting(said.model, identity_limit);
  if (!said.serial.empty()) known.serial = fitting(said.serial, identity_limit);
  if (!said.firmware.empty()) known.firmware = fitting(said.firmware, identity_limit);
  return known;
}

}  // namespace

bool names_epoch(const pb::Status& status, std::uint64_t epoch) {
  return status.since().epoch() == epoch ||
         std::ranges::any_of(status.condition(),
                             [&](const pb::Condition& c) { return c.since().epoch() == epoch; });
}

Outbox::Outbox(const Options& options, const Clock& clock, std::string boot_id, std::uint64_t epoch)
    : options_(options), clock_(clock) {
  file_ = OutboxFile::open({options_.folder, options_.ceiling}, clock_);
  notes_ = file_.notes;
  retention_ = std::make_unique<Retention>(*file_.db, options_.folder, options_.ceiling);
  load();
  if (file_.db->forgive()) load_again();
  begin_epoch(std::move(boot_id), epoch);
  drop_excess_epochs();
  keep_reserve();
  tell_notes();
}

Outbox::~Outbox() { settle_writes(); }

/// A disk that failed once is asked once more before the file is taken for damaged.
void Outbox::load_again() {
  const auto anew = [&] {
    epochs_.clear();
    devices_.clear();
    load();
    return !file_.db->forgive();
  };
  if (anew()) return;
  epochs_.clear();
  devices_.clear();
  recover();
  anew();
}

void Outbox::load() {
  auto& db = *file_.db;
  for (const db::Row row : db.rows(
           "SELECT ordinal, epoch, boot_id, acked, last, clock_offset_us FROM epoch ORDER BY 1")) {
    EpochRow e;
    e.ordinal = row.integer(0);
    e.epoch = row.unsigned_integer(1);
    e.boot_id = row.text(2);
    e.acked = row.unsigned_integer(3);
    e.last = row.unsigned_integer(4);
    if (!row.null(5)) e.offset = row.integer(5);
    epochs_.push_back(std::move(e));
  }
  for (auto& epoch : epochs_) correct_epoch(epoch);
  for (const db::Row row : db.rows("SELECT name, status, identity, crc FROM device")) {
    DeviceView device;
    const std::string both = row.text(1) + row.text(2);
    if (static_cast<std::uint32_t>(row.integer(3)) != checksum(both)) continue;
    if (!device.status.ParseFromString(row.text(1))) continue;
    device.identity = identity_from(row.bytes(2));
    devices_[row.text(0)] = std::move(device);
  }
  load_commands();
  load_supplies();
  if (const auto boot = db.text("SELECT value FROM meta WHERE key='boot_id'")) {
    LastRun run;
    run.boot_id = *boot;
    run.clean = db.text("SELECT value FROM meta WHERE key='clean'").value_or("") == "1";
    const auto seen = db.text("SELECT value FROM meta WHERE key='last_seen'").value_or("0");
    run.last_seen_wall_us = std::atoll(seen.c_str());
    if (const auto mono = db.text("SELECT value FROM meta WHERE key='last_seen_mono'")) {
      run.last_seen = mono_from(std::atoll(mono->c_str()));
    }
    last_run_ = std::move(run);
  }
}

void Outbox::tell_notes() {
  const auto notes = std::exchange(notes_, {});
  for (const auto& note : notes) append(agent_note(note.code, note.detail), now());
}

Outbox::EpochRow* Outbox::find(std::uint64_t epoch) {
  const auto it = std::ranges::find(epochs_, epoch, &EpochRow::epoch);
  return it == epochs_.end() ? nullptr : &*it;
}

std::vector<Retention::Epoch> Outbox::prunable() const {
  std::vector<Retention::Epoch> out;
  for (const auto& e : epochs_) out.push_back({e.ordinal, e.acked});
  return out;
}

void Outbox::retain_devices(const std::vector<std::string>& configured) {
  for (auto it = devices_.begin(); it != devices_.end();) {
    if (std::ranges::find(configured, it->first) != configured.end()) {
      ++it;
      continue;
    }
    file_.db->run("DELETE FROM device WHERE name=$1", it->first);
    it = devices_.erase(it);
  }
  retain_supplies(configured);
  retain_results(configured);
  file_.db->forgive();
}

namespace {

/// What the agent says of a device that does not answer; everything else the device said itself.
constexpr std::array own_codes{"no-reply",          "not-present",  "wrong-device",
                               "bad-configuration", "driver-stuck", "results-failing"};

/// While nothing is heard of a device (its port is busy, it does not answer), what was wrong when
/// it was last heard is neither over nor new: it stays, with the position that began it.
void keep_unanswered(pb::Status& said, const wire::Status& status, const pb::Status& before,
                     bool proven) {
  const bool heard =
      status.evidence != wire::Evidence::none && status.evidence != wire::Evidence::shared_busy;
  const bool by_report = status.evidence == wire::Evidence::driver_report;
  if ((heard && !by_report) || !status.enabled || before.disabled()) return;
  // An application that worked with the device shows that its faults are over; it sees no warnings.
  const bool faults_over = by_report && proven;
  for (const auto& c : before.condition()) {
    if (faults_over && c.severity() == static_cast<std::uint32_t>(wire::Severity::fault)) continue;
    const auto same = [&](const pb::Condition& o) { return o.code() == c.code(); };
    if (std::ranges::find(own_codes, c.code()) != own_codes.end()) continue;
    if (c.detail().starts_with(by_level)) continue;  // the level is known without the device
    if (std::ranges::none_of(said.condition(), same)) *said.add_condition() = c;
  }
  fit(said);
}

}  // namespace

std::optional<Appended> Outbox::append_state(const std::string& device, const wire::Status& status,
                                             const Seen& seen, bool proven) {
  auto said = wire::to_wire(device, status);
  fit(said);
  const auto known = devices_.find(device);
  if (known != devices_.end()) keep_unanswered(said, status, known->second.status, proven);
  // What waited for the disk and is overtaken now is told by nothing else: it leaves a gap.
  if (const auto waiting = unsaved_.extract(device)) {
    pb::Event overtaken;
    *overtaken.mutable_state() = wire::to_wire(device, waiting.mapped().status);
    fit(*overtaken.mutable_state());
    owe({record_of(overtaken, waiting.mapped().seen)}, waiting.mapped().why);
  }
  DeviceView next;
  next.identity =
      joined(known == devices_.end() ? wire::Identity{} : known->second.identity, status.identity);
  if (known != devices_.end() &&
      wire::same_state(wire::from_wire(known->second.status), wire::from_wire(said))) {
    if (next.identity == known->second.identity) return std::nullopt;
    known->second.identity = next.identity;
    write_device(known->second);
    settle_writes();
    if (told_) {
      told_({{epoch(), current().last}, std::nullopt, DeviceIdentity{device, next.identity}});
    }
    return std::nullopt;
  }
  pb::Since here;
  here.set_epoch(epoch());
  here.set_seq(numbered() + held_.size() + 1);
  here.set_mono_us(micros(seen.mono));
  here.set_wall_us(micros(seen.wall));
  next.status = said;
  *next.status.mutable_since() = here;
  for (int i = 0; i < said.condition_size(); ++i) {
    const pb::Condition* before = nullptr;
    if (known != devices_.end()) {
      for (const auto& c : known->second.status.condition()) {
        const bool same = c.code() == said.condition(i).code() && c.has_since();
        // What grows from a warning into a fault begins anew: the fault is not as old.
        if (same && c.severity() >= said.condition(i).severity()) before = &c;
      }
    }
    if (before != nullptr) *said.mutable_condition(i)->mutable_since() = before->since();
    *next.status.mutable_condition(i)->mutable_since() = before != nullptr ? before->since() : here;
  }
  pb::Event event;
  *event.mutable_state() = said;
  std::vector<Pending> entries = std::exchange(held_, {});
  entries.push_back(record_of(event, seen));
  if (!commit(entries, {.device = &next})) {
    // A state that is not written is not lost: it is tried again with its own time.
    entries.pop_back();
    owe(entries, why_unwritten());
    unsaved_[device] = {status, seen, proven, why_unwritten()};
    return std::nullopt;
  }
  Appended out{{epoch(), current().last}, next.status, std::nullopt};
  if (known == devices_.end() || known->second.identity != next.identity) {
    out.identity = DeviceIdentity{device, next.identity};
  }
  devices_[device] = std::move(next);
  if (told_) told_(out);
  return out;
}

void Outbox::append(const pb::Event& event, const Seen& seen) {
  std::vector<Pending> entries = std::exchange(held_, {});
  entries.push_back(record_of(event, seen));
  if (!commit(entries, {})) {
    owe(entries, why_unwritten());
    return;
  }
  if (told_) told_({{epoch(), current().last}, std::nullopt, std::nullopt});
}

void Outbox::hold_sample(pb::Event event, const Seen& seen) {
  held_.push_back(record_of(event, seen));
}

void Outbox::flush() {
  tell_notes();
  retry_results();
  write_unsaved_supplies();
  for (auto& [device, unsaved] : std::exchange(unsaved_, {})) {
    append_state(device, unsaved.status, unsaved.seen, unsaved.proven);
  }
  if (!held_.empty() || !owed_.empty()) {
    std::vector<Pending> entries = std::exchange(held_, {});
    if (!commit(entries, {})) {
      owe(entries, why_unwritten());
    } else if (told_) {
      told_({{epoch(), current().last}, std::nullopt, std::nullopt});
    }
  }
  settle_writes();
}

void Outbox::close_run(const Seen& seen) {
  pb::Event event;
  event.mutable_power()->set_kind(pb::Power::SHUTDOWN);
  event.mutable_power()->set_boot_id(current().boot_id);
  flush();
  append(event, seen);
  put_meta("clean", "1");
  settle_writes();
}

void Outbox::touch(const Seen& seen) {
  put_meta("last_seen", std::to_string(micros(seen.wall)));
  put_meta("last_seen_mono", std::to_string(micros(seen.mono)));
  settle_writes();
}

void Outbox::acknowledge(std::uint64_t epoch, std::uint64_t upto) {
  auto* row = find(epoch);
  if (row == nullptr) return;
  upto = std::min(upto, row->last);
  if (upto <= row->acked) return;
  row->acked = upto;
  // Written with the next commit: after a loss of power the Welcome tells it again.
  row->dirty = true;
}

void Outbox::rewind(std::uint64_t epoch, std::uint64_t upto) {
  auto* row = find(epoch);
  if (row == nullptr || upto >= row->acked) return;
  row->acked = upto;
  row->dirty = true;
}

void Outbox::set_clock_offset(std::uint64_t epoch, std::int64_t offset_us) {
  auto* row = find(epoch);
  if (row == nullptr) return;
  if (row == &current()) contact_ = Seen{clock_.mono(), clock_.wall() + Duration{offset_us}};
  if (row->offset == offset_us) return;
  row->offset = offset_us;
  row->dirty = true;
}

std::uint64_t Outbox::first_kept(const EpochRow& epoch) {
  const auto first = file_.db->integer(
      "SELECT seq FROM record WHERE ordinal=$1 ORDER BY seq LIMIT 1", epoch.ordinal);
  return first ? static_cast<std::uint64_t>(*first) : epoch.last + 1;
}

OutboxView Outbox::view() {
  OutboxView out;
  for (const auto& e : epochs_) {
    out.epochs.push_back({e.epoch, first_kept(e), e.acked, e.last, e.boot_id, e.offset});
  }
  file_.db->forgive();
  for (const auto& [name, device] : devices_) out.devices.push_back(device);
  return out;
}

std::vector<std::pair<std::uint64_t, Record>> Outbox::newest(std::size_t count) {
  std::vector<std::pair<std::uint64_t, Record>> out;
  for (const db::Row row : file_.db->rows("SELECT " KW_RECORD_COLUMNS
                                          " FROM record ORDER BY ordinal DESC, seq DESC LIMIT $1",
                                          count)) {
    auto record = read_record(row);
    if (!record) continue;
    const auto of = std::ranges::find(epochs_, record->ordinal, &EpochRow::ordinal);
    if (of != epochs_.end()) out.emplace_back(of->epoch, std::move(*record));
  }
  file_.db->forgive();
  return out;
}

OutboxStats Outbox::stats() {
  OutboxStats out;
  for (const auto& e : epochs_) {
    out.kept += e.last + 1 - std::min(first_kept(e), e.last + 1);
    out.unacked += e.last - e.acked;
    if (out.oldest_unacked == WallTime{} && e.last > e.acked) {
      const auto wall = file_.db->integer(
          "SELECT wall_us FROM record WHERE ordinal=$1 AND seq>$2 ORDER BY seq LIMIT 1", e.ordinal,
          e.acked);
      if (wall) out.oldest_unacked = wall_from(*wall);
    }
  }
  file_.db->forgive();
  out.bytes = bytes_on_disk(options_.folder);
  out.ceiling = options_.ceiling;
  out.epochs = epochs_.size();
  out.on_disk = file_.on_disk && !failing_;
  return out;
}

}  // namespace kw::agent
