// What is remembered of consumables between runs.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/outbox/outbox.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

constexpr std::int64_t row_bytes = 4'096;  // thirty-one days and a score of figures

}  // namespace

void Outbox::load_supplies() {
  std::uint64_t lost = 0;
  for (const db::Row row : file_.db->rows("SELECT device, type, body, crc FROM supply")) {
    auto body = row.text(2);
    if (static_cast<std::uint32_t>(row.integer(3)) != checksum(body)) {
      ++lost;
      continue;
    }
    supplies_[{row.text(0), row.text(1)}] = std::move(body);
  }
  if (lost > 0) notes_.push_back({"supplies-lost", fmt::format("{} consumables", lost)});
}

std::vector<SupplyRow> Outbox::supplies() const {
  std::vector<SupplyRow> out;
  for (const auto& [key, body] : supplies_) out.push_back({key.first, key.second, body});
  return out;
}

void Outbox::write_supply(const std::pair<std::string, std::string>& key, const std::string& body) {
  file_.db->run(
      "INSERT INTO supply (device, type, body, crc) VALUES ($1,$2,$3,$4) "
      "ON CONFLICT (device, type) DO UPDATE SET body=excluded.body, crc=excluded.crc",
      key.first, key.second, body, checksum(body));
}

void Outbox::save_supplies(const std::vector<SupplyRow>& rows) {
  for (const auto& row : rows) {
    const std::pair key{row.device, row.type};
    supplies_[key] = row.body;
    unsaved_supplies_.insert(key);
  }
  write_unsaved_supplies();
}

void Outbox::write_unsaved_supplies() {
  if (unsaved_supplies_.empty()) return;
  const auto bytes = row_bytes * static_cast<std::int64_t>(unsaved_supplies_.size());
  if (!room_for(bytes, false)) return;
  auto& db = *file_.db;
  {
    db::Transaction transaction{db};
    for (const auto& key : unsaved_supplies_) write_supply(key, supplies_[key]);
    if (transaction.commit()) unsaved_supplies_.clear();
  }
  const int code = db.failure_code();
  if (const auto failed = db.forgive()) {
    say_failed("supplies-not-written", *failed);
    mend(code & 0xff, bytes);
  }
}

void Outbox::retain_supplies(const std::vector<std::string>& configured) {
  for (auto it = supplies_.begin(); it != supplies_.end();) {
    const auto& [device, type] = it->first;
    if (std::ranges::find(configured, device) != configured.end()) {
      ++it;
      continue;
    }
    file_.db->run("DELETE FROM supply WHERE device=$1 AND type=$2", device, type);
    unsaved_supplies_.erase(it->first);
    it = supplies_.erase(it);
  }
}

}  // namespace kw::agent
