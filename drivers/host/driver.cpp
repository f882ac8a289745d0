#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <sys/statvfs.h>

namespace kw::drivers {
namespace {

constexpr std::array settings_table{
    Setting{"root",
            SettingType::text,
            "/",
            {"proc 和 sys 所在的根目录", "the folder under which proc and sys lie"}},
    Setting{"disk_warning_percent",
            SettingType::number,
            "80",
            {"磁盘使用率达到多少报警告（%）", "disk use that is a warning, in percent"},
            0,
            100},
    Setting{"disk_full_percent",
            SettingType::number,
            "95",
            {"磁盘使用率达到多少报故障（%）", "disk use that is a fault, in percent"},
            0,
            100},
    Setting{"memory_warning_percent",
            SettingType::number,
            "10",
            {"可用内存低于多少报警告（%）", "available memory below which to warn, in percent"},
            0,
            100},
};

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

struct CpuTime {
  std::uint64_t idle = 0;  ///< idle and waiting for a disk
  std::uint64_t total = 0;
};

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

/// 1 - (d_idle + d_iowait) / d_total. The kernel's iowait may step back; then it counts as none.
std::optional<double> cpu_used_percent(const CpuTime& before, const CpuTime& now) {
  if (now.total <= before.total) return std::nullopt;
  const auto total = static_cast<double>(now.total - before.total);
  const auto idle = now.idle > before.idle ? static_cast<double>(now.idle - before.idle) : 0.0;
  return std::clamp(100.0 * (1.0 - idle / total), 0.0, 100.0);
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

class Host final : public Driver {
 public:
  Host(std::filesystem::path root, double disk_warning, double disk_full, double memory_warning)
      : root_(std::move(root)),
        disk_warning_(disk_warning),
        disk_full_(disk_full),
        memory_warning_(memory_warning) {}

  Result<void> open(Port& /*port*/, MonoTime /*deadline*/) override {
    cpu_before_.reset();
    if (text_of(root_ / "proc/stat")) return {};
    return Error{Errc::missing, "host: cannot read " + (root_ / "proc/stat").string()};
  }

  Result<wire::Status> poll(MonoTime /*deadline*/) override {
    const auto stat = text_of(root_ / "proc/stat");
    if (!stat) return Error{Errc::missing, "host: cannot read " + (root_ / "proc/stat").string()};
    wire::Status out;
    out.device = wire::DeviceState::online;
    out.evidence = wire::Evidence::driver_report;
    out.identity.vendor = trimmed_text_of(root_ / "sys/class/dmi/id/sys_vendor");
    out.identity.model = trimmed_text_of(root_ / "sys/class/dmi/id/product_name");
    measure_cpu(*stat, out);
    measure_memory(out);
    measure_load(out);
    measure_disks(out);
    measure_networks(out);
    measure_temperatures(out);
    return out;
  }

  void close() noexcept override {}

 private:
  static void add(wire::Status& out, std::string name, double value) {
    out.measurements.push_back({std::move(name), value});
  }

  void measure_cpu(std::string_view stat, wire::Status& out) {
    const auto now = cpu_time(stat);
    if (now && cpu_before_) {
      if (const auto used = cpu_used_percent(*cpu_before_, *now))
        add(out, "cpu_used_percent", *used);
    }
    cpu_before_ = now;
    const auto boot = line_of(stat, "btime");
    if (boot.size() < 2) return;
    if (const auto at = number_in<double>(boot[1])) add(out, "boot_time_seconds", *at);
  }

  void measure_memory(wire::Status& out) const {
    const auto text = text_of(root_ / "proc/meminfo").value_or("");
    const auto bytes = [&](std::string_view key) -> std::optional<double> {
      const auto words = line_of(text, key);
      if (words.size() < 2) return std::nullopt;
      const auto kilobytes = number_in<double>(words[1]);
      if (!kilobytes) return std::nullopt;
      return *kilobytes * 1024;
    };
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> rows{
        {{"MemTotal:", "memory_total_bytes"},
         {"MemAvailable:", "memory_available_bytes"},
         {"SwapTotal:", "swap_total_bytes"},
         {"SwapFree:", "swap_free_bytes"}}};
    for (const auto& [key, name] : rows) {
      if (const auto value = bytes(key)) add(out, std::string{name}, *value);
    }
    const auto total = bytes("MemTotal:");
    const auto available = bytes("MemAvailable:");
    if (!total || !available || *total <= 0) return;
    if (*available / *total * 100 >= memory_warning_) return;
    out.conditions.push_back(wire::condition(*wire::find_condition("memory-low")));
  }

  void measure_load(wire::Status& out) const {
    const auto first_number = [this](const char* file) -> std::optional<double> {
      const auto text = text_of(root_ / file).value_or("");
      const auto words = words_of(text);
      if (words.empty()) return std::nullopt;
      return number_in<double>(words.front());
    };
    if (const auto load = first_number("proc/loadavg")) add(out, "load1", *load);
    if (const auto up = first_number("proc/uptime")) add(out, "uptime_seconds", *up);
  }

  /// Used is what df calls used: used / (used + what an ordinary user may still take).
  void measure_disks(wire::Status& out) const {
    const auto mounts = text_of(root_ / "proc/self/mounts").value_or("");
    for (const auto& mount : disk_mounts(mounts)) {
      const auto at = root_ / std::filesystem::path{mount.path}.relative_path();
      struct statvfs fs{};
      if (::statvfs(at.c_str(), &fs) != 0 || fs.f_blocks == 0) continue;
      const auto block = static_cast<double>(fs.f_frsize);
      const auto used = static_cast<double>(fs.f_blocks - fs.f_bfree) * block;
      const auto usable = used + static_cast<double>(fs.f_bavail) * block;
      if (usable <= 0) continue;
      const double percent = used / usable * 100;
      add(out, "disk_total_bytes[" + mount.path + "]", static_cast<double>(fs.f_blocks) * block);
      add(out, "disk_used_percent[" + mount.path + "]", percent);
      judge_disk(mount, percent, out);
    }
  }

  void judge_disk(const Mount& mount, double percent, wire::Status& out) const {
    const auto* code = percent >= disk_full_      ? "disk-full"
                       : percent >= disk_warning_ ? "disk-almost-full"
                                                  : nullptr;
    if (code == nullptr) return;
    // No figure in the detail: it would make every poll a change of state.
    const auto* row = wire::find_condition(code);
    const auto same = std::ranges::find(out.conditions, row->code, &wire::Condition::code);
    if (same != out.conditions.end()) {
      same->detail += ", " + mount.path;
    } else {
      out.conditions.push_back(wire::condition(*row, {}, mount.path));
    }
  }

  void measure_networks(wire::Status& out) const {
    const auto text = text_of(root_ / "proc/net/dev").value_or("");
    for (const auto line : lines_of(text)) {
      const auto colon = line.find(':');
      if (colon == std::string_view::npos) continue;  // the two lines of headings
      const auto name = words_of(line.substr(0, colon));
      const auto counts = words_of(line.substr(colon + 1));
      if (name.size() != 1 || name.front() == "lo" || counts.size() < 9) continue;
      const auto received = number_in<double>(counts[0]);
      const auto sent = number_in<double>(counts[8]);
      if (!received || !sent) continue;
      add(out, fmt::format("network_receive_bytes[{}]", name.front()), *received);
      add(out, fmt::format("network_transmit_bytes[{}]", name.front()), *sent);
    }
  }

  void measure_temperatures(wire::Status& out) const {
    std::error_code none;
    std::vector<std::filesystem::path> chips;
    for (const auto& entry : std::filesystem::directory_iterator{root_ / "sys/class/hwmon", none}) {
      chips.push_back(entry.path());
    }
    std::ranges::sort(chips);
    for (const auto& chip : chips) {
      const auto name = trimmed_text_of(chip / "name");
      for (int i = 1; i <= 16; ++i) {
        const auto input = text_of(chip / fmt::format("temp{}_input", i));
        if (!input) continue;
        if (const auto milli = number_in<double>(*input)) {
          add(out, fmt::format("temperature_celsius[{}/temp{}]", name, i), *milli / 1000);
        }
      }
    }
  }

  std::filesystem::path root_;
  double disk_warning_;
  double disk_full_;
  double memory_warning_;
  std::optional<CpuTime> cpu_before_;
};

Result<std::unique_ptr<Driver>> make(const Settings& settings) {
  const double warning = settings.number("disk_warning_percent");
  const double full = settings.number("disk_full_percent");
  if (warning > full) {
    return Error{Errc::invalid,
                 fmt::format("host: disk_warning_percent = {} lies above disk_full_percent = {}",
                             warning, full)};
  }
  return std::unique_ptr<Driver>{std::make_unique<Host>(settings.text("root"), warning, full,
                                                        settings.number("memory_warning_percent"))};
}

}  // namespace

Card host_card() {
  return {.name = "host",
          .kind = "host",
          .title = {"主机", "host"},
          .settings = settings_table,
          .conditions = {},
          .schemes = {},
          .self_tests = {},
          .make = make};
}

}  // namespace kw::drivers
