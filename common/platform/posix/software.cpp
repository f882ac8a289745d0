#include "common/platform/software.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>

#include <unistd.h>

namespace kw::platform {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (bad != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<double> uptime_seconds(const fs::path& proc) {
  std::istringstream in{text_of(proc / "uptime")};
  double out = 0;
  if (in >> out) return out;
  return std::nullopt;
}

std::string program_of(const fs::path& folder, std::string_view name) {
  std::error_code none;
  auto link = fs::read_symlink(folder / "exe", none).string();
  if (!none) {
    // The file was replaced while it runs: an update.
    constexpr std::string_view deleted = " (deleted)";
    if (link.ends_with(deleted)) link.resize(link.size() - deleted.size());
    return link;
  }
  const auto line = text_of(folder / "cmdline");
  const auto own = line.substr(0, line.find('\0'));
  return own.empty() ? std::string{name} : own;
}

/// From /proc/PID/stat (proc(5)); the name in it may hold spaces and brackets.
std::optional<RunningProcess> read_process(const fs::path& folder, std::uint64_t id,
                                           std::optional<double> uptime) {
  const auto stat = text_of(folder / "stat");
  const auto open = stat.find('(');
  const auto close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  std::istringstream in{stat.substr(close + 1)};
  std::vector<std::string> fields;  // from the third, "state", on
  for (std::string field; in >> field;) fields.push_back(std::move(field));
  constexpr std::size_t start_time = 22 - 3;
  constexpr std::size_t resident = 24 - 3;
  if (fields.size() <= resident) return std::nullopt;
  if (fields[0] == "Z" || fields[0] == "X") return std::nullopt;  // it has ended
  RunningProcess out{.id = id,
                     .program = program_of(folder, stat.substr(open + 1, close - open - 1)),
                     .started = number(fields[start_time]).value_or(0),
                     .running_for = {},
                     .memory_bytes = {}};
  if (const auto pages = number(fields[resident])) {
    out.memory_bytes = static_cast<double>(*pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  }
  if (uptime) {
    const auto seconds =
        static_cast<double>(out.started) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    out.running_for = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>{std::max(0.0, *uptime - seconds)});
  }
  return out;
}

/// How long ago the newest of these files was written.
std::optional<Duration> age_of(const fs::path& root, std::span<const std::string_view> files) {
  std::optional<Duration> out;
  for (const auto file : files) {
    std::error_code none;
    // An empty log is logrotate's doing, not an installation's.
    if (fs::file_size(root / file, none) == 0 || none) continue;
    const auto at = fs::last_write_time(root / file, none);
    if (none) continue;
    const auto age = std::chrono::duration_cast<Duration>(fs::file_time_type::clock::now() - at);
    if (!out || age < *out) out = std::max(age, Duration::zero());
  }
  return out;
}

}  // namespace

Result<std::vector<RunningProcess>> processes(const fs::path& root) {
  const auto proc = root / "proc";
  std::error_code bad;
  fs::directory_iterator at{proc, bad};
  if (bad) return Error{Errc::missing, proc.string() + ": " + bad.message()};
  const auto uptime = uptime_seconds(proc);
  std::vector<RunningProcess> out;
  for (; !bad && at != fs::directory_iterator{}; at.increment(bad)) {
    const auto id = number(at->path().filename().string());
    if (!id) continue;
    // It may end while it is read.
    if (auto process = read_process(at->path(), *id, uptime)) out.push_back(std::move(*process));
  }
  return out;
}

bool is_program(const RunningProcess& process, const std::string& wanted) {
  if (wanted.find('/') != std::string::npos) return process.program == wanted;
  const auto slash = process.program.rfind('/');
  return process.program.substr(slash == std::string::npos ? 0 : slash + 1) == wanted;
}

std::string version_in(const fs::path& /*file*/) { return {}; }

std::string package_version(const fs::path& root, const std::string& package) {
  std::ifstream in{root / "var/lib/dpkg/status"};
  const auto wanted = "Package: " + package;
  bool here = false;
  bool installed = false;
  std::string version;
  for (std::string line; std::getline(in, line);) {
    if (line.empty()) {
      if (here && installed) return version;
      here = installed = false;
      version.clear();
    } else if (line == wanted) {
      here = true;
    } else if (line == "Status: install ok installed" || line == "Status: hold ok installed") {
      installed = true;
    } else if (line.starts_with("Version: ")) {
      version = line.substr(9);
    }
  }
  return here && installed ? version : std::string{};
}

Upkeep read_upkeep(const fs::path& root) {
  // dpkg writes its log whenever it installs something; the stamps are apt's own.
  constexpr std::array<std::string_view, 4> patched{
      "var/log/dpkg.log", "var/log/dpkg.log.1", "var/lib/apt/periodic/upgrade-stamp",
      "var/lib/apt/periodic/unattended-upgrades-stamp"};
  constexpr std::array<std::string_view, 4> clamav{
      "var/lib/clamav/daily.cld", "var/lib/clamav/daily.cvd", "var/lib/clamav/main.cld",
      "var/lib/clamav/main.cvd"};
  Upkeep out;
  out.since_patched = age_of(root, patched);
  out.since_signatures = age_of(root, clamav);
  if (out.since_signatures) out.antivirus = "ClamAV";
  return out;
}

}  // namespace kw::platform
