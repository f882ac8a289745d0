#include "collector/backup_record.hpp"

#include <algorithm>
#include <array>

#include "collector/store/sqlite/opening.hpp"
#include "common/platform/control_client.hpp"
#include "common/platform/folder_lock.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr auto answer_within = std::chrono::seconds{10};
constexpr std::size_t text_limit = 8 * 1024;
constexpr std::array actions{"store.backup", "store.verify", "store.restore"};

Result<void> record_alone(const fs::path& data, const BackupRecord& what, const Clock& clock) {
  auto lock = platform::FolderLock::take(data);
  if (!lock) return std::move(lock).error();
  const auto ours = settle_store(data, clock);
  if (!ours) return ours.error();
  if (!*ours) {
    return Error{Errc::unsupported, store_file(data).string() +
                                        " is of another version's schema, at which a backup leaves "
                                        "it"};
  }
  auto store = open_store(data, clock);
  if (!store) return std::move(store).error();
  return (*store)->transact([&] { (*store)->audit(what.entry(clock.wall())); });
}

}  // namespace

json::object BackupRecord::to_json() const {
  return {{"action", action}, {"who", who}, {"file", file}, {"result", result}, {"detail", detail}};
}

Result<BackupRecord> BackupRecord::read(const json::object& from) {
  BackupRecord out;
  const auto take = [&](const char* key, std::string& to) {
    const auto* value = from.if_contains(key);
    if (value == nullptr || !value->is_string() || value->get_string().size() > text_limit) {
      return false;
    }
    to = value->get_string();
    return true;
  };
  if (!take("action", out.action) || !take("who", out.who) || !take("file", out.file) ||
      !take("result", out.result) || !take("detail", out.detail) ||
      std::ranges::find(actions, out.action) == actions.end()) {
    return Error{Errc::invalid, "action, who, file, result and detail of a backup"};
  }
  return out;
}

AuditEntry BackupRecord::entry(WallTime at) const {
  return {.at = at,
          .actor = who,
          .from = "host",
          .action = action,
          .object = file,
          .result = result,
          .before = {},
          .after = detail};
}

Recorded record(const fs::path& data, const BackupRecord& what, const Clock& clock) {
  const auto asked = platform::ask_control(data, backup_record_verb, what.to_json(), answer_within);
  if (asked) return {true};
  if (asked.error().code() != Errc::missing) return {false, asked.error().text()};
  std::error_code none;
  if (!fs::exists(store_file(data), none)) return {false, "there is no store in " + data.string()};
  const auto alone = record_alone(data, what, clock);
  return alone ? Recorded{true} : Recorded{false, alone.error().text()};
}

}  // namespace kw::collector
