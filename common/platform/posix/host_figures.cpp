#include "common/platform/host_figures.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <sys/statvfs.h>

namespace kw::platform {
namespace {

/// File systems that keep data on a disk of this machine. Everything else is virtual, remote (where
/// a dead server would hold us) or full by design.
constexpr std::array<std::string_view, 13> disk_types{"ext2", "ext3",  "ext4",   "xfs",  "btrfs",
                                                      "f2fs", "jfs",   "zfs",    "vfat", "exfat",
                                                      "ntfs", "ntfs3", "fuseblk"};

/// A whole file, or nothing: sysfs and procfs files say their size as 0.
std::optional<std::string> text_of(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>{in}, {}};
}

std::string trimmed_text_of(const std::filesystem::path& path) {
  auto text = text_of(path).value_or("");
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (true) {
    const auto start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos) return out;
    line.remove_prefix(start);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

template <class N>
std::optional<N> number_in(std::string_view text) {
  N value{};
  const char* const start = text.data();
  const auto parsed = std::from_chars(start, start + text.size(), value);
  if (parsed.ec != std::errc{}) return std::nullopt;
  return value;
}

/// The line of `text` that starts with the word `key`, as words.
std::vector<std::string_view> line_of(std::string_view text, std::string_view key) {
  for (const auto line : lines_of(text)) {
    auto words = words_of(line);
    if (!words.empty() && words.front() == key) return words;
  }
  return {};
}

using CpuTime = HostFigures::CpuTime;

/// The first eight fields: guest time, the ninth and tenth, is already inside user and nice.
std::optional<CpuTime> cpu_time(std::string_view stat) {
  const auto words = line_of(stat, "cpu");
  if (words.size() < 9) return std::nullopt;
  CpuTime out;
  for (std::size_t i = 1; i <= 8; ++i) {
    const auto ticks = number_in<std::uint64_t>(words[i]);
    if (!ticks) return std::nullopt;
    out.total += *ticks;
    if (i == 4 || i == 5) out.idle += *ticks;
  }
  return out;
}

struct Mount {
  std::string source;
  std::string path;
};

/// The kernel writes a space in a path as \040.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const bool escape = text[i] == '\\' && i + 3 < text.size();
    const auto* digits = escape ? &text[i + 1] : nullptr;
    if (escape && std::from_chars(digits, digits + 3, value, 8).ptr == digits + 3) {
      out.push_back(static_cast<char>(value));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

/// Every disk once: where it is mounted first. Later mounts of the same source are bind mounts.
std::vector<Mount> disk_mounts(std::string_view mounts) {
  std::vector<Mount> out;
  std::set<std::string, std::less<>> seen;
  for (const auto line : lines_of(mounts)) {
    const auto words = words_of(line);
    if (words.size() < 3 || std::ranges::find(disk_types, words[2]) == disk_types.end()) continue;
    auto source = unescaped(words[0]);
    if (!seen.insert(source).second) continue;
    out.push_back({std::move(source), unescaped(words[1])});
  }
  return out;
}

void read_memory(const std::filesystem::path& root, HostFigures& out) {
  const auto text = text_of(root / "proc/meminfo").value_or("");
  const auto bytes = [&](std::string_view key) -> std::optional<double> {
    const auto words = line_of(text, key);
    if (words.size() < 2) return std::nullopt;
    const auto kilobytes = number_in<double>(words[1]);
    if (!kilobytes) return std::nullopt;
    return *kilobytes * 1024;
  };
  out.memory_total_bytes = bytes("MemTotal:");
  out.memory_available_bytes = bytes("MemAvailable:");
  out.swap_total_bytes = bytes("SwapTotal:");
  out.swap_free_bytes = bytes("SwapFree:");
}

std::optional<double> first_number(const std::filesystem::path& file) {
  const auto text = text_of(file).value_or("");
  const auto words = words_of(text);
  if (words.empty()) return std::nullopt;
  return number_in<double>(words.front());
}

/// Used is what df calls used.
void read_disks(const std::filesystem::path& root, HostFigures& out) {
  const auto mounts = text_of(root / "proc/self/mounts").value_or("");
  for (const auto& mount : disk_mounts(mounts)) {
    const auto at = root / std::filesystem::path{mount.path}.relative_path();
    struct statvfs fs{};
    if (::statvfs(at.c_str(), &fs) != 0 || fs.f_blocks == 0) continue;
    const auto block = static_cast<double>(fs.f_frsize);
    const auto used = static_cast<double>(fs.f_blocks - fs.f_bfree) * block;
    out.disks.push_back({mount.path, static_cast<double>(fs.f_blocks) * block, used,
                         used + static_cast<double>(fs.f_bavail) * block});
  }
}

void read_networks(const std::filesystem::path& root, HostFigures& out) {
  const auto text = text_of(root / "proc/net/dev").value_or("");
  for (const auto line : lines_of(text)) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;  // the two lines of headings
    const auto name = words_of(line.substr(0, colon));
    const auto counts = words_of(line.substr(colon + 1));
    if (name.size() != 1 || name.front() == "lo" || counts.size() < 9) continue;
    const auto received = number_in<double>(counts[0]);
    const auto sent = number_in<double>(counts[8]);
    if (!received || !sent) continue;
    out.networks.push_back({std::string{name.front()}, *received, *sent});
  }
}

void read_temperatures(const std::filesystem::path& root, HostFigures& out) {
  std::error_code none;
  std::vector<std::filesystem::path> chips;
  for (const auto& entry : std::filesystem::directory_iterator{root / "sys/class/hwmon", none}) {
    chips.push_back(entry.path());
  }
  std::ranges::sort(chips);
  for (const auto& chip : chips) {
    const auto name = trimmed_text_of(chip / "name");
    for (int i = 1; i <= 16; ++i) {
      const auto milli = first_number(chip / fmt::format("temp{}_input", i));
      if (milli) out.temperatures.push_back({fmt::format("{}/temp{}", name, i), *milli / 1000});
    }
  }
}

}  // namespace

Result<HostFigures> read_host(const std::filesystem::path& root) {
  const auto stat = text_of(root / "proc/stat");
  if (!stat) return Error{Errc::missing, "cannot read " + (root / "proc/stat").string()};
  HostFigures out;
  out.vendor = trimmed_text_of(root / "sys/class/dmi/id/sys_vendor");
  out.model = trimmed_text_of(root / "sys/class/dmi/id/product_name");
  out.cpu = cpu_time(*stat);
  const auto boot = line_of(*stat, "btime");
  if (boot.size() > 1) out.boot_time_seconds = number_in<double>(boot[1]);
  out.load1 = first_number(root / "proc/loadavg");
  out.uptime_seconds = first_number(root / "proc/uptime");
  read_memory(root, out);
  read_disks(root, out);
  read_networks(root, out);
  read_temperatures(root, out);
  return out;
}

}  // namespace kw::platform
