#include "collector/backup_folder.hpp"

#include <algorithm>
#include <regex>
#include <string>
#include <utility>

namespace kw::collector {
namespace {

namespace fs = std::filesystem;

/// What the collector needs to go on writing while a copy is made: its log up to where it is
/// emptied (`wal_limit` in sqlite_store.cpp).
constexpr std::int64_t margin = 64LL * 1024 * 1024;

fs::path name_at(WallTime now) {
  auto stamp = rfc3339(now);
  stamp = stamp.substr(0, stamp.find('.'));
  std::erase_if(stamp, [](char c) { return c == ':' || c == '-'; });
  return "collector-" + stamp + "Z.db";
}

/// Ours by name, oldest first: the name is the time. Names later than `now` are of a clock that was
/// ahead, or it is behind now: they were made before now all the same.
std::vector<fs::path> backups_in(const fs::path& folder, const fs::path& now) {
  static const std::regex ours{R"(collector-\d{8}T\d{6}Z\.db)"};
  std::vector<fs::path> out;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator{folder, none}) {
    if (std::regex_match(entry.path().filename().string(), ours)) out.push_back(entry.path());
  }
  const auto order = [&](const fs::path& f) { return std::pair{f.filename() <= now, f}; };
  std::ranges::sort(out, {}, order);
  return out;
}

fs::path checksum_of(fs::path file) { return file += ".sha256"; }

std::int64_t size_of(const fs::path& file) {
  std::error_code none;
  const auto size = fs::file_size(file, none);
  return none ? 0 : static_cast<std::int64_t>(size);
}

bool forget(const fs::path& file) {
  std::error_code failed;
  const bool gone = fs::remove(file, failed);
  fs::remove(checksum_of(file), failed);
  return gone;
}

}  // namespace

fs::path backup_file(const fs::path& to, const Clock& clock) {
  std::error_code none;
  return fs::is_directory(to, none) ? to / name_at(clock.wall()) : to;
}

Result<fs::path> newest_backup(const fs::path& from, const Clock& clock) {
  std::error_code none;
  if (!fs::is_directory(from, none)) return from;
  const auto found = backups_in(from, name_at(clock.wall()));
  if (found.empty()) return Error{Errc::missing, from.string() + ": no backup is here"};
  return found.back();
}

std::vector<fs::path> named_after(const fs::path& made) {
  auto out = backups_in(made.parent_path(), made.filename());
  std::erase_if(out, [&](const fs::path& f) { return f.filename() <= made.filename(); });
  return out;
}

std::vector<fs::path> forget_old_backups(const fs::path& made, std::size_t keep) {
  std::vector<fs::path> out;
  const auto found = backups_in(made.parent_path(), made.filename());
  for (std::size_t i = 0; i + keep < found.size(); ++i) {
    if (found[i] != made && forget(found[i])) out.push_back(found[i]);
  }
  return out;
}

std::int64_t room_for_copy(const fs::path& file) {
  auto log = file;
  return size_of(file) + size_of(log += "-wal") + margin;
}

std::optional<Shortage> lacks_room(const fs::path& folder, std::int64_t needed) {
  std::error_code failed;
  auto there = folder.empty() ? fs::path{"."} : folder;
  while (!fs::exists(there, failed) && there.has_relative_path()) there = there.parent_path();
  if (there.empty()) there = ".";
  const auto space = fs::space(there, failed);
  if (failed) return std::nullopt;
  const auto available = static_cast<std::int64_t>(space.available);
  if (available >= needed) return std::nullopt;
  return Shortage{there, needed, available};
}

std::optional<Shortage> make_room(const fs::path& made, std::int64_t needed) {
  const auto folder = made.parent_path();
  auto lacking = lacks_room(folder, needed);
  if (!lacking) return std::nullopt;
  auto old = backups_in(folder, made.filename());
  const auto newest = std::ranges::find_if(old.rbegin(), old.rend(), [](const fs::path& file) {
    std::error_code none;
    return fs::exists(checksum_of(file), none);
  });
  if (newest == old.rend()) return lacking;
  old.erase(newest.base() - 1, old.end());
  auto would = lacking->available;
  for (const auto& file : old) would += size_of(file);
  if (would < needed) return lacking;
  for (const auto& file : old) {
    forget(file);
    lacking = lacks_room(folder, needed);
    if (!lacking) break;
  }
  return lacking;
}

}  // namespace kw::collector
