// What applications tell under names of their own choice, so that each thing counts once.
#include <algorithm>
#include <utility>

#include "agent/outbox/outbox.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

constexpr auto remembered_for = std::chrono::days{7};
constexpr std::int64_t remembered_most = 50'000;
constexpr std::int64_t bytes_each = 2'048;  // of the ceiling, for one name

}  // namespace

void Outbox::write_telling(const Telling& telling, std::int64_t wall_us) {
  auto& db = *file_.db;
  for (const auto& each : telling.names) {
    db.run(
        "INSERT INTO told (name, mark, answer, wall_us) VALUES ($1,$2,$3,$4) "
        "ON CONFLICT (name) DO UPDATE SET mark=excluded.mark, answer=excluded.answer, "
        "wall_us=excluded.wall_us",
        each.name, db::blob(each.mark), db::blob(each.answer), wall_us);
  }
  if (telling.note) put_meta(telling.note->first, telling.note->second);
}

std::optional<Telling::Name> Outbox::told(const std::string& name) {
  std::optional<Telling::Name> out;
  for (const db::Row row : file_.db->rows("SELECT mark, answer FROM told WHERE name=$1", name)) {
    out = Telling::Name{name, row.text(0), row.text(1)};
  }
  return out;
}

Told Outbox::tell(const Telling& telling, const Seen& seen) {
  if (!file_.on_disk) return {};
  if (!telling.names.empty()) {
    const auto& first = telling.names.front();
    const auto before = told(first.name);
    const int code = file_.db->failure_code();
    if (const auto failed = file_.db->forgive()) {
      // Whether it was told before cannot be known: it must not be counted now.
      say_failed("outbox-read-failed", *failed);
      mend(code & 0xff, 0);
      return {};
    }
    if (before && before->mark != first.mark) return {Told::How::other};
    if (before) return {Told::How::again, before->answer};
  }
  auto entries = std::exchange(held_, {});
  for (const auto& event : telling.events) entries.push_back(record_of(event, seen));
  Beside beside;
  beside.telling = &telling;
  beside.told_wall_us = micros(seen.wall);
  if (!commit(entries, beside)) {
    // Who told it knows that it is not kept, so it leaves no gap; what was held with it does, or
    // goes with the next commit when that is to memory.
    entries.resize(entries.size() - telling.events.size());
    if (file_.on_disk) {
      owe(entries, why_unwritten());
    } else {
      held_ = std::move(entries);
    }
    return {};
  }
  if (told_ && !entries.empty()) told_({{epoch(), current().last}, std::nullopt, std::nullopt});
  return {Told::How::written, telling.names.empty() ? "" : telling.names.front().answer};
}

std::string Outbox::note(std::string_view key) {
  auto out = file_.db->text("SELECT value FROM meta WHERE key=$1", key);
  file_.db->forgive();
  return out.value_or("");
}

std::map<std::string, std::string> Outbox::notes(std::string_view beginning) {
  std::map<std::string, std::string> out;
  for (const db::Row row : file_.db->rows("SELECT key, value FROM meta WHERE substr(key,1,$1)=$2",
                                          beginning.size(), beginning)) {
    out.emplace(row.text(0).substr(beginning.size()), row.text(1));
  }
  file_.db->forgive();
  return out;
}

/// Of devices that are not in the configuration any more.
void Outbox::retain_results(const std::vector<std::string>& configured) {
  const auto known = notes(result_note);
  for (const auto& [device, kept] : known) {
    if (std::ranges::find(configured, device) != configured.end()) continue;
    file_.db->run("DELETE FROM meta WHERE key=$1", std::string{result_note} + device);
  }
}

void Outbox::prune_told(WallTime now) {
  auto& db = *file_.db;
  db.run("DELETE FROM told WHERE wall_us<$1", micros(now - remembered_for));
  const auto most = std::min(remembered_most, options_.ceiling / bytes_each);
  db.run(
      "DELETE FROM told WHERE wall_us<=(SELECT wall_us FROM told ORDER BY wall_us DESC "
      "LIMIT 1 OFFSET $1)",
      most);
}

}  // namespace kw::agent
