#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/filled.hpp"
#include "common/identity/keys.hpp"
#include "common/platform/files.hpp"
#include "common/platform/software.hpp"
#include "drivers/host/software/watched_file.hpp"

namespace kw::drivers {
namespace {

using platform::RunningProcess;
using software::WatchedFile;
using wire::Action;
using wire::Severity;

/// What a poll reads of files at most: 8 MiB take a disk of a kiosk some 50 ms.
constexpr std::uint64_t read_a_poll = 8ULL * 1024 * 1024;
/// The list of packages is some megabytes of text.
constexpr Duration version_every = std::chrono::minutes{1};
constexpr Duration restarts_within = std::chrono::minutes{10};

constexpr std::string_view capabilities[] = {"conditions", "identity", "measurements"};
constexpr std::array settings_table{
    Setting{"code", SettingType::text, "", {"软件代码", "the software item's code"}},
    Setting{"process",
            SettingType::text,
            "",
            {"必须运行的程序：文件名或完整路径；空表示不检查",
             "the program that must run: file name or full path; empty: not watched"}},
    Setting{"instances_least",
            SettingType::integer,
            "1",
            {"至少运行几个", "how many of it must run at least"},
            1,
            1'000},
    Setting{"instances_most",
            SettingType::integer,
            "0",
            {"最多运行几个；0 表示不限", "how many of it may run at most; 0: any number"},
            0,
            1'000},
    Setting{"restarts_warning",
            SettingType::integer,
            "3",
            {"10 分钟内重启几次报警告", "restarts within 10 minutes at which to warn"},
            1,
            100},
    Setting{"base_path",
            SettingType::text,
            "",
            {"基础路径", "the folder that relative paths start from"}},
    Setting{"files",
            SettingType::text,
            "",
            {"文件相对路径，用分号分隔", "the item's files, relative, with semicolons between"}},
    Setting{
        "sha256",
        SettingType::text,
        "",
        {"各文件的 SHA-256，顺序相同，用分号分隔；空表示以首次读到的为准",
         "the files' SHA-256 in the same order, with semicolons between; empty: as first read"}},
    Setting{"version",
            SettingType::text,
            "",
            {"应有的版本；空表示任意", "the version that is right; empty: any"}},
    Setting{"package",
            SettingType::text,
            "",
            {"从哪个 Debian 软件包读取版本（Windows 上取自第一个文件）",
             "the Debian package that tells the version (on Windows the first file does)"}},
    Setting{"root",
            SettingType::text,
            "/",
            {"proc 和 var 所在的根目录（Windows 上无用）",
             "the folder under which proc and var lie (not on Windows)"}},
};

constexpr std::array conditions_table{
    wire::ConditionRow{"process-not-running",
                       Severity::fault,
                       Action::software_error,
                       {"业务程序未运行", "business program does not run"}},
    wire::ConditionRow{"process-restarting",
                       Severity::warning,
                       Action::software_error,
                       {"业务程序反复重启", "business program keeps restarting"}},
    wire::ConditionRow{"too-many-instances",
                       Severity::warning,
                       Action::software_error,
                       {"业务程序运行过多", "business program runs too often at once"}},
    wire::ConditionRow{"file-missing",
                       Severity::fault,
                       Action::configuration,
                       {"软件文件缺失", "file of the software is missing"}},
    wire::ConditionRow{"file-unreadable",
                       Severity::warning,
                       Action::configuration,
                       {"软件文件无法读取", "file of the software cannot be read"}},
    wire::ConditionRow{"file-changed",
                       Severity::warning,
                       Action::configuration,
                       {"软件文件已改变", "file of the software has changed"}},
    wire::ConditionRow{"wrong-version",
                       Severity::warning,
                       Action::configuration,
                       {"软件版本不符", "software has another version"}},
};

void add(wire::Status& to, std::string_view code, std::string vendor_code = {},
         std::string detail = {}) {
  const auto row = std::ranges::find(conditions_table, code, &wire::ConditionRow::code);
  // One condition a code: several files share it.
  const auto same = std::ranges::find(to.conditions, row->code, &wire::Condition::code);
  if (same == to.conditions.end()) {
    to.conditions.push_back(wire::condition(*row, std::move(vendor_code), std::move(detail)));
  } else {
    same->detail += ", " + detail;
  }
}

struct Wanted {
  std::string code;
  std::string process;
  std::size_t least = 1;
  std::size_t most = 0;
  std::size_t restarts = 3;
  std::string version;
  std::string package;
  std::filesystem::path root;
};

class Software final : public Driver {
 public:
  Software(Wanted wanted, std::vector<WatchedFile> files)
      : wanted_(std::move(wanted)), files_(std::move(files)) {}

  Result<void> open(Port& port, MonoTime /*deadline*/) override {
    port_ = &port;
    return {};
  }

  Result<wire::Status> poll(MonoTime /*deadline*/) override {
    wire::Status out;
    out.device = wire::DeviceState::online;
    out.evidence = wire::Evidence::driver_report;
    if (!wanted_.process.empty()) {
      const auto all = platform::processes(wanted_.root);
      if (!all) return Error{all.error()}.within("software");
      judge_processes(*all, out);
    }
    judge_files(out);
    judge_version(out);
    out.identity.model = wanted_.code;
    return out;
  }

  void close() noexcept override { port_ = nullptr; }

 private:
  struct Instance {  // never used twice
    std::uint64_t started = 0;
    std::uint64_t id = 0;
    auto operator<=>(const Instance&) const = default;
  };

  void judge_processes(const std::vector<RunningProcess>& all, wire::Status& out) {
    std::size_t count = 0;
    std::optional<Instance> oldest;
    double memory = 0;
    std::optional<Duration> youngest;
    for (const auto& process : all) {
      if (!platform::is_program(process, wanted_.process)) continue;
      ++count;
      const Instance instance{process.started, process.id};
      if (!oldest || instance < *oldest) oldest = instance;
      memory += process.memory_bytes.value_or(0);
      if (process.running_for && (!youngest || *process.running_for < *youngest)) {
        youngest = process.running_for;
      }
    }
    note_restarts(oldest);
    if (count < wanted_.least) add(out, "process-not-running", {}, wanted_.process);
    if (wanted_.most != 0 && count > wanted_.most) {
      add(out, "too-many-instances", {}, wanted_.process);
    }
    if (restarts_.size() >= wanted_.restarts) add(out, "process-restarting", {}, wanted_.process);
    out.measurements.push_back({"process_instances", static_cast<double>(count)});
    out.measurements.push_back({"process_restarts_10min", static_cast<double>(restarts_.size())});
    if (count == 0) return;
    out.measurements.push_back({"process_memory_bytes", memory});
    if (!youngest) return;
    const std::chrono::duration<double> seconds{*youngest};
    out.measurements.push_back({"process_uptime_seconds", seconds.count()});
  }

  /// The oldest one stands for the program: some start and end helpers of their own name all day.
  void note_restarts(std::optional<Instance> oldest) {
    const auto at = port_->now();
    if (oldest && oldest_ && *oldest != *oldest_) restarts_.push_back(at);
    // While it is down between two lives, the one before is remembered.
    if (oldest) oldest_ = oldest;
    while (!restarts_.empty() && at - restarts_.front() > restarts_within) restarts_.pop_front();
  }

  void judge_files(wire::Status& out) {
    for (auto& file : files_) {
      file.look(port_->now(), read_a_poll / files_.size());
      switch (file.state()) {
        case WatchedFile::State::missing:
          add(out, "file-missing", {}, file.shown());
          break;
        case WatchedFile::State::unreadable:
          add(out, "file-unreadable", {}, file.shown());
          break;
        case WatchedFile::State::changed:
          add(out, "file-changed", file.sha256().substr(0, 16), file.shown());
          break;
        default:
          break;
      }
    }
    // What the agent found itself, beside what was entered (9.2).
    if (files_.size() == 1) out.identity.serial = files_.front().sha256();
    if (files_.size() > 1) out.identity.serial = hash_of_all();
  }

  std::string hash_of_all() const {
    std::string all;
    for (const auto& file : files_) {
      if (file.sha256().empty()) return {};
      all += file.shown() + ' ' + file.sha256() + '\n';
    }
    return identity::sha256_hex(all);
  }

  void judge_version(wire::Status& out) {
    const auto now = port_->now();
    if (!version_at_ || now - *version_at_ >= version_every) {
      version_ = find_version();
      version_at_ = now;
    }
    if (!wanted_.version.empty() && version_ != wanted_.version) {
      add(out, "wrong-version", version_.empty() ? "unknown" : version_, wanted_.version);
    }
    out.identity.firmware = version_;
  }

  std::string find_version() const {
    std::string out;
    if (!wanted_.package.empty()) out = platform::package_version(wanted_.root, wanted_.package);
    if (out.empty() && !files_.empty()) out = platform::version_in(files_.front().path());
    return out;
  }

  Wanted wanted_;
  std::vector<WatchedFile> files_;
  std::optional<Instance> oldest_;
  std::deque<MonoTime> restarts_;
  std::string version_;
  std::optional<MonoTime> version_at_;
  Port* port_ = nullptr;
};

std::vector<std::string> parts(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(';', at), text.size());
    const auto from = text.find_first_not_of(' ', at);
    if (from < end) {
      const auto last = text.find_last_not_of(' ', end - 1);
      out.push_back(text.substr(from, last - from + 1));
    }
    at = end + 1;
  }
  return out;
}

constexpr Text hash_count{"sha256：{} 个文件有 {} 个散列值", "sha256: {1} hashes for {0} files"};
constexpr Text no_hash{"sha256：\"{}\" 不是 64 位十六进制数",
                       "sha256: \"{}\" is not 64 hex digits"};
constexpr Text no_base{"files：\"{}\" 需要 base_path，且须为绝对路径",
                       "files: \"{}\" needs a base_path, which must be absolute"};
constexpr Text nothing_to_watch{"process：没有要监视的；请设置 process、files 或 package",
                                "process: nothing to watch; set process, files or package"};
constexpr Text most_below_least{"instances_most = {} 小于 instances_least = {}",
                                "instances_most = {} lies below instances_least = {}"};

Checked<std::vector<WatchedFile>> files_of(const Settings& settings) {
  const auto base = platform::path_of(settings.text("base_path"));
  const auto files = parts(settings.text("files"));
  auto hashes = parts(settings.text("sha256"));
  if (!hashes.empty() && hashes.size() != files.size()) {
    return filled(hash_count, files.size(), hashes.size());
  }
  std::vector<WatchedFile> out;
  for (std::size_t i = 0; i < files.size(); ++i) {
    std::string hash = hashes.empty() ? std::string{} : hashes[i];
    for (auto& c : hash) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto raw = identity::from_hex(hash);
    if (!hash.empty() && (!raw || raw->size() != 32)) {
      return filled(no_hash, hashes[i]);
    }
    const auto path = base / platform::path_of(files[i]);
    if (!path.is_absolute()) {
      return filled(no_base, files[i]);
    }
    out.emplace_back(files[i], path, std::move(hash));
  }
  return out;
}

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  auto files = files_of(settings);
  if (!files) return files.wrong();
  Wanted wanted{.code = settings.text("code"),
                .process = settings.text("process"),
                .least = static_cast<std::size_t>(settings.integer("instances_least")),
                .most = static_cast<std::size_t>(settings.integer("instances_most")),
                .restarts = static_cast<std::size_t>(settings.integer("restarts_warning")),
                .version = settings.text("version"),
                .package = settings.text("package"),
                .root = platform::path_of(settings.text("root"))};
  if (wanted.process.empty() && files->empty() && wanted.package.empty()) {
    return nothing_to_watch;
  }
  if (wanted.most != 0 && wanted.most < wanted.least) {
    return filled(most_below_least, wanted.most, wanted.least);
  }
  return std::unique_ptr<Driver>{std::make_unique<Software>(std::move(wanted), std::move(*files))};
}

}  // namespace

Card software_card() {
  return {.name = "software",
          .kind = "software",
          .title = {"软件", "software"},
          .settings = settings_table,
          .conditions = conditions_table,
          .schemes = {},
          .self_tests = {},
          .capabilities = capabilities,
          .evidence = wire::Evidence::driver_report,
          .make = make};
}

}  // namespace kw::drivers
