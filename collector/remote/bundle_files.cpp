#include "collector/remote/bundle_files.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/log.hpp"
#include "common/platform/files.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;

/// A terminal code as a folder's name: "." and ".." are codes too, but no folders of ours.
std::string folder_name(std::string_view code) {
  std::string out;
  for (const char c : code) {
    if (c == '%' || (c == '.' && out.empty())) {
      out += c == '%' ? "%25" : "%2E";
    } else {
      out += c;
    }
  }
  return out;
}

struct Kept {
  fs::path file;
  WallTime at;
  std::uintmax_t bytes;
};

WallTime wall_of(fs::file_time_type at) {
  const auto since = fs::file_time_type::clock::to_sys(at).time_since_epoch();
  return WallTime{std::chrono::duration_cast<Duration>(since)};
}

/// Oldest first.
std::vector<Kept> kept_in(const fs::path& folder) {
  std::vector<Kept> out;
  std::error_code none;
  for (fs::recursive_directory_iterator it{folder, none}, end; it != end; it.increment(none)) {
    if (none) break;
    std::error_code gone;
    if (!it->is_regular_file(gone)) continue;
    Kept one{it->path(), wall_of(it->last_write_time(gone)), it->file_size(gone)};
    if (!gone) out.push_back(std::move(one));
  }
  std::ranges::sort(out, {}, &Kept::at);
  return out;
}

}  // namespace

fs::path BundleFiles::file_of(std::string_view terminal_code, std::string_view command) const {
  return folder_ / folder_name(terminal_code) / (std::string{command} + ".json");
}

Result<void> BundleFiles::save(std::string_view terminal_code, std::string_view command,
                               std::string_view body, WallTime now) const {
  const auto file = file_of(terminal_code, command);
  auto made = platform::make_folder(file.parent_path(), true);
  if (!made) return made;
  auto written = platform::write_file(file, body, true);
  if (written) prune(now);
  return written;
}

Result<std::string> BundleFiles::load(std::string_view terminal_code,
                                      std::string_view command) const {
  return platform::read_file(file_of(terminal_code, command));
}

void BundleFiles::prune(WallTime now) const {
  const auto kept = kept_in(folder_);
  std::uintmax_t bytes = 0;
  for (const auto& one : kept) bytes += one.bytes;
  for (const auto& one : kept) {
    if (one.at >= now - limits_.keep && bytes <= limits_.bytes) break;
    std::error_code failed;
    fs::remove(one.file, failed);
    if (failed) {
      log::warning("bundle-not-removed",
                   {{"file", one.file.string()}, {"reason", failed.message()}});
      continue;
    }
    bytes -= one.bytes;
    log::info("bundle-removed", {{"file", one.file.string()}});
  }
}

}  // namespace kw::collector
