#include "collector/backup_folder.hpp"

#include <algorithm>
#include <regex>
#include <string>

namespace kw::collector {
namespace {

namespace fs = std::filesystem;

/// Ours by name, oldest first: the name is the time.
std::vector<fs::path> backups_in(const fs::path& folder) {
  static const std::regex ours{R"(collector-\d{8}T\d{6}Z\.db)"};
  std::vector<fs::path> out;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator{folder, none}) {
    if (std::regex_match(entry.path().filename().string(), ours)) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

fs::path backup_file(const fs::path& to, const Clock& clock) {
  std::error_code none;
  if (!fs::is_directory(to, none)) return to;
  auto stamp = rfc3339(clock.wall());
  stamp = stamp.substr(0, stamp.find('.'));
  std::erase_if(stamp, [](char c) { return c == ':' || c == '-'; });
  return to / ("collector-" + stamp + "Z.db");
}

Result<fs::path> newest_backup(const fs::path& from) {
  std::error_code none;
  if (!fs::is_directory(from, none)) return from;
  const auto found = backups_in(from);
  if (found.empty()) return Error{Errc::missing, from.string() + ": no backup is here"};
  return found.back();
}

std::vector<fs::path> forget_old_backups(const fs::path& folder, std::size_t keep) {
  std::vector<fs::path> out;
  auto found = backups_in(folder);
  std::error_code failed;
  for (std::size_t i = 0; i + keep < found.size(); ++i) {
    if (fs::remove(found[i], failed)) out.push_back(found[i]);
    auto sum = found[i];
    fs::remove(sum += ".sha256", failed);
  }
  return out;
}

}  // namespace kw::collector
