#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/filled.hpp"
#include "common/platform/files.hpp"
#include "common/platform/host_figures.hpp"
#include "common/platform/software.hpp"

namespace kw::drivers {
namespace {

using platform::HostFigures;

constexpr std::string_view capabilities[] = {"conditions", "identity", "measurements"};
constexpr std::array settings_table{
    Setting{"root",
            SettingType::text,
            "/",
            {"proc 和 sys 所在的根目录（Windows 上无用）",
             "the folder under which proc and sys lie (not on Windows)"}},
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
    Setting{"patch_warning_days",
            SettingType::integer,
            "0",
            {"多少天未更新系统报警告；0 表示不判断",
             "days without a system update at which to warn; 0: not judged"},
            0,
            3'650},
    Setting{"signatures_warning_days",
            SettingType::integer,
            "0",
            {"病毒库多少天未更新报警告；0 表示不判断",
             "age of the virus scanner's signatures in days at which to warn; 0: not judged"},
            0,
            3'650},
};

constexpr std::array conditions_table{
    wire::ConditionRow{"patches-old",
                       wire::Severity::warning,
                       wire::Action::configuration,
                       {"系统长期未更新", "system has not been updated for long"}},
    wire::ConditionRow{"antivirus-old",
                       wire::Severity::warning,
                       wire::Action::configuration,
                       {"病毒库过期", "virus signatures are old"}},
    wire::ConditionRow{"antivirus-missing",
                       wire::Severity::warning,
                       wire::Action::configuration,
                       {"未发现防病毒软件", "no virus scanner found"}},
};

/// 1 - (d_idle + d_iowait) / d_total. The kernel's iowait may step back; then it counts as none.
std::optional<double> cpu_used_percent(const HostFigures::CpuTime& before,
                                       const HostFigures::CpuTime& now) {
  if (now.total <= before.total) return std::nullopt;
  const auto total = static_cast<double>(now.total - before.total);
  const auto idle = now.idle > before.idle ? static_cast<double>(now.idle - before.idle) : 0.0;
  return std::clamp(100.0 * (1.0 - idle / total), 0.0, 100.0);
}

struct Limits {
  double disk_warning = 0;
  double disk_full = 0;
  double memory_warning = 0;
  std::chrono::days patches{};     ///< 0: not judged
  std::chrono::days signatures{};  ///< 0: not judged
};

class Host final : public Driver {
 public:
  Host(std::filesystem::path root, const Limits& limits)
      : root_(std::move(root)), limits_(limits) {}

  Result<void> open(Port& /*port*/, MonoTime /*deadline*/) override {
    cpu_before_.reset();
    auto figures = platform::read_host(root_);
    if (!figures) return std::move(figures).error().within("host");
    return {};
  }

  Result<wire::Status> poll(MonoTime /*deadline*/) override {
    const auto figures = platform::read_host(root_);
    if (!figures) return Error{figures.error()}.within("host");
    wire::Status out;
    out.device = wire::DeviceState::online;
    out.evidence = wire::Evidence::driver_report;
    out.identity.vendor = figures->vendor;
    out.identity.model = figures->model;
    measure_cpu(*figures, out);
    measure_memory(*figures, out);
    add(out, "load1", figures->load1);
    add(out, "uptime_seconds", figures->uptime_seconds);
    for (const auto& disk : figures->disks) measure_disk(disk, out);
    for (const auto& network : figures->networks) {
      add(out, fmt::format("network_receive_bytes[{}]", network.name), network.received_bytes);
      add(out, fmt::format("network_transmit_bytes[{}]", network.name), network.sent_bytes);
    }
    for (const auto& one : figures->temperatures) {
      add(out, fmt::format("temperature_celsius[{}]", one.name), one.celsius);
    }
    judge_upkeep(out);
    return out;
  }

  void close() noexcept override {}

 private:
  static void add(wire::Status& out, std::string name, std::optional<double> value) {
    if (value) out.measurements.push_back({std::move(name), *value});
  }

  void measure_cpu(const HostFigures& figures, wire::Status& out) {
    const auto& now = figures.cpu;
    if (now && cpu_before_) add(out, "cpu_used_percent", cpu_used_percent(*cpu_before_, *now));
    cpu_before_ = now;
    add(out, "boot_time_seconds", figures.boot_time_seconds);
  }

  void measure_memory(const HostFigures& figures, wire::Status& out) const {
    const auto& total = figures.memory_total_bytes;
    const auto& available = figures.memory_available_bytes;
    add(out, "memory_total_bytes", total);
    add(out, "memory_available_bytes", available);
    add(out, "swap_total_bytes", figures.swap_total_bytes);
    add(out, "swap_free_bytes", figures.swap_free_bytes);
    if (!total || !available || *total <= 0) return;
    if (*available / *total * 100 >= limits_.memory_warning) return;
    out.conditions.push_back(wire::condition(*wire::find_condition("memory-low")));
  }

  void measure_disk(const HostFigures::Disk& disk, wire::Status& out) const {
    if (disk.usable_bytes <= 0) return;
    const double percent = disk.used_bytes / disk.usable_bytes * 100;
    add(out, "disk_total_bytes[" + disk.path + "]", disk.total_bytes);
    add(out, "disk_used_percent[" + disk.path + "]", percent);
    judge_disk(disk.path, percent, out);
  }

  void judge_disk(const std::string& path, double percent, wire::Status& out) const {
    const auto* code = percent >= limits_.disk_full      ? "disk-full"
                       : percent >= limits_.disk_warning ? "disk-almost-full"
                                                         : nullptr;
    if (code == nullptr) return;
    // No figure in the detail: it would make every poll a change of state.
    const auto* row = wire::find_condition(code);
    const auto same = std::ranges::find(out.conditions, row->code, &wire::Condition::code);
    if (same != out.conditions.end()) {
      same->detail += ", " + path;
    } else {
      out.conditions.push_back(wire::condition(*row, {}, path));
    }
  }

  void judge_upkeep(wire::Status& out) const {
    using Days = std::chrono::duration<double, std::ratio<86'400>>;
    const auto upkeep = platform::read_upkeep(root_);
    const auto say = [&out](std::string_view code) {
      const auto row = std::ranges::find(conditions_table, code, &wire::ConditionRow::code);
      out.conditions.push_back(wire::condition(*row));
    };
    if (const auto& age = upkeep.since_patched) {
      add(out, "patch_age_days", Days{*age}.count());
      if (limits_.patches.count() > 0 && *age >= limits_.patches) say("patches-old");
    }
    if (const auto& age = upkeep.since_signatures) {
      add(out, "antivirus_signatures_age_days", Days{*age}.count());
      if (limits_.signatures.count() > 0 && *age >= limits_.signatures) say("antivirus-old");
    } else if (limits_.signatures.count() > 0) {
      say("antivirus-missing");
    }
  }

  std::filesystem::path root_;
  Limits limits_;
  std::optional<HostFigures::CpuTime> cpu_before_;
};

constexpr Text warning_above_full{"disk_warning_percent = {} 大于 disk_full_percent = {}",
                                  "disk_warning_percent = {} lies above disk_full_percent = {}"};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  const double warning = settings.number("disk_warning_percent");
  const double full = settings.number("disk_full_percent");
  if (warning > full) {
    return filled(warning_above_full, warning, full);
  }
  const Limits limits{
      .disk_warning = warning,
      .disk_full = full,
      .memory_warning = settings.number("memory_warning_percent"),
      .patches = std::chrono::days{settings.integer("patch_warning_days")},
      .signatures = std::chrono::days{settings.integer("signatures_warning_days")},
  };
  return std::unique_ptr<Driver>{
      std::make_unique<Host>(platform::path_of(settings.text("root")), limits)};
}

}  // namespace

Card host_card() {
  return {.name = "host",
          .kind = "host",
          .title = {"主机", "host"},
          .settings = settings_table,
          .conditions = conditions_table,
          .schemes = {},
          .self_tests = {},
          .capabilities = capabilities,
          .evidence = wire::Evidence::driver_report,
          .make = make};
}

}  // namespace kw::drivers
