// Which commands of the collector have begun and which are done, so that each runs at most once.
#include <algorithm>

#include <sqlite3.h>

#include "agent/outbox/outbox.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t commands_most = 2'000;
constexpr std::size_t unsaved_most = 64;
constexpr auto kept_for = std::chrono::days{30};
constexpr int attempts = 2;
constexpr std::int64_t note_bytes = 8 * 4'096;  // pages that one commit touches

}  // namespace

void Outbox::load_commands() {
  commands_.clear();
  for (const db::Row row : file_.db->rows("SELECT id, begun_wall_us, done FROM command")) {
    commands_[row.text(0)] = {row.integer(1), row.boolean(2)};
  }
}

void Outbox::write_command(const std::string& id, const CommandRow& row) {
  file_.db->run(
      "INSERT INTO command (id, begun_wall_us, done) VALUES ($1,$2,$3) "
      "ON CONFLICT (id) DO UPDATE SET done=excluded.done",
      id, row.begun_wall_us, row.done);
}

/// The oldest ones that are done make room; one without a result never does.
bool Outbox::make_command_room() {
  if (commands_.size() < commands_most) return true;
  auto oldest = commands_.end();
  for (auto it = commands_.begin(); it != commands_.end(); ++it) {
    if (!it->second.done) continue;
    const bool older =
        oldest == commands_.end() || it->second.begun_wall_us < oldest->second.begun_wall_us;
    if (older) oldest = it;
  }
  if (oldest == commands_.end()) return false;
  file_.db->run("DELETE FROM command WHERE id=$1", oldest->first);
  file_.db->forgive();
  commands_.erase(oldest);
  return true;
}

Outbox::Begin Outbox::begin_command(const std::string& id, const Seen& seen) {
  if (commands_.contains(id)) return Begin::known;
  if (!make_command_room()) return Begin::not_kept;
  const CommandRow row{micros(seen.wall), false};
  for (int attempt = 0; attempt < attempts && file_.on_disk; ++attempt) {
    room_for(note_bytes, true);
    write_command(id, row);
    const int code = file_.db->failure_code();
    const auto failed = file_.db->forgive();
    if (!failed) {
      commands_[id] = row;
      return Begin::begun;
    }
    say_failed("outbox-write-failed", *failed);
    mend(code & 0xff, note_bytes);
  }
  return Begin::not_kept;
}

void Outbox::finish_command(const pb::CommandResult& result, const Seen& seen) {
  const auto known = commands_.find(result.id());
  if (known != commands_.end() && known->second.done) return;
  pb::Event event;
  *event.mutable_command_result() = result;
  auto entries = std::exchange(held_, {});
  entries.push_back(record_of(event, seen));
  Beside beside;
  beside.done_command = &result.id();
  beside.done_wall_us = micros(seen.wall);
  if (!commit(entries, beside)) {
    // The result itself is tried again; meanwhile the command stays begun.
    if (unsaved_results_.size() < unsaved_most) {
      entries.pop_back();
      unsaved_results_.push_back({result, seen});
    }
    owe(entries, why_unwritten());
    return;
  }
  auto& row = commands_[result.id()];
  if (row.begun_wall_us == 0) row.begun_wall_us = beside.done_wall_us;
  row.done = true;
  if (told_) told_({{epoch(), current().last}, std::nullopt, std::nullopt});
}

void Outbox::retry_results() {
  const auto waiting = std::exchange(unsaved_results_, {});
  for (const auto& each : waiting) finish_command(each.result, each.seen);
}

std::vector<std::string> Outbox::begun_commands() const {
  std::vector<std::string> out;
  for (const auto& [id, row] : commands_) {
    if (!row.done) out.push_back(id);
  }
  return out;
}

void Outbox::prune_commands(WallTime now) {
  const auto too_old = micros(now - kept_for);
  std::erase_if(commands_, [&](const auto& entry) {
    return entry.second.done && entry.second.begun_wall_us < too_old;
  });
  file_.db->run("DELETE FROM command WHERE done=1 AND begun_wall_us<$1", too_old);
}

}  // namespace kw::agent
