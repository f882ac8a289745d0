#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "drivers/simulators/player.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

// A laser printer's raw port: PJL is answered, the rest is a job and swallowed. Written from HP's
// manual and other makers' examples, not from the driver.

constexpr std::array settings_table{
    Setting{
        "dialect",
        SettingType::text,
        "hp",
        {"应答格式：hp、panasonic 或 brother", "form of its answers: hp, panasonic or brother"}},
    Setting{"product",
            SettingType::text,
            "HP LASERJET KIOSK",
            {"应答的型号；空为不应答", "model it says it is; empty: does not answer that"}},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// What can be the matter, the worst first: only one status is told at a time.
struct Trouble {
  std::string_view name;
  int code;
  std::string_view display;
  bool online;
};
constexpr auto troubles =
    std::to_array<Trouble>({{"unrecoverable-error", 50001, "50 SERVICE", false},
                            {"media-jam", 42200, "13 PAPER JAM", false},
                            {"cover-open", 40021, "12 PRINTER OPEN", false},
                            {"marker-supply-missing", 40010, "14 NO EP CARTRIDGE", false},
                            {"media-empty", 41002, "11 PAPER OUT", false},
                            {"output-area-full", 15000, "OUTPUT FULL", false},
                            {"printer-offline", 10002, "02 OFFLINE", false},
                            {"toner-low", 10006, "16 TONER LOW", true},
                            {"media-low", 11102, "TRAY 1 EMPTY", true},
                            {"warming-up", 10003, "02 WARMING UP", true},
                            {"printing", 10023, "02 PRINTING", true}});
constexpr Trouble ready{"", 10001, "00 READY", true};
constexpr auto wire_conditions =
    std::to_array<std::string_view>({"no-reply", "garbage", "slow", "chatter"});

class PjlPlayer final : public Player {
 public:
  explicit PjlPlayer(const drivers::Settings& settings)
      : dialect_(settings.text("dialect")),
        product_(settings.text("product")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}) {
    for (const auto& t : troubles) conditions_.emplace_back(t.name);
    conditions_.insert(conditions_.end(), wire_conditions.begin(), wire_conditions.end());
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  /// Unasked it says nothing but under "chatter": then somebody has switched USTATUS on.
  Bytes set(std::string_view condition, bool on) override {
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    return on_.contains("chatter") ? bytes(status("USTATUS DEVICE")) : Bytes{};
  }

  Answer answer(std::span<const std::uint8_t> in) override {
    heard_.append(in.begin(), in.end());
    std::string said;
    for (auto end = heard_.find('\n'); end != std::string::npos; end = heard_.find('\n')) {
      said += reply_to(heard_.substr(0, end));
      heard_.erase(0, end + 1);
    }
    // A job's data has no lines, and nobody keeps it.
    if (heard_.size() > 4096) heard_.clear();
    Answer out;
    if (on_.contains("slow")) out.after = slow_;
    if (on_.contains("no-reply")) return out;
    if (on_.contains("garbage") && !said.empty()) said = "220 printer FTP server ready\r\n\f";
    out.bytes = bytes(said);
    return out;
  }

  void meet() override { heard_.clear(); }

 private:
  static Bytes bytes(std::string_view text) { return {text.begin(), text.end()}; }

  std::string reply_to(std::string_view line) const {
    const auto at = line.find("@PJL");
    if (at == std::string_view::npos) return {};
    auto command = line.substr(at + 4);
    while (command.starts_with(' ')) command.remove_prefix(1);
    while (command.ends_with('\r') || command.ends_with(' ')) command.remove_suffix(1);
    if (command.starts_with("ECHO")) {
      const auto noise = on_.contains("chatter") ? status("USTATUS DEVICE") : std::string{};
      return fmt::format("{}@PJL {}\r\n\f", noise, command);
    }
    if (command == "INFO STATUS") return status(command);
    if (command == "INFO ID" && !product_.empty()) {
      return fmt::format("@PJL INFO ID\r\n\"{}\"\r\n\f", product_);
    }
    return {};
  }

  std::string status(std::string_view head) const {
    const auto* now = &ready;
    for (const auto& t : troubles) {
      if (on_.contains(t.name)) {
        now = &t;
        break;
      }
    }
    const auto online = now->online ? "TRUE" : "FALSE";
    if (dialect_ == "panasonic") {
      return fmt::format("@PJL {}\r\nCODE={}\r\nDISPLAY=\"{}\"\r\nONLINE={}\f", head,
                         now->code == 42200 ? 40022 : now->code, now->display, online);
    }
    const char quote = dialect_ == "brother" ? '\'' : '"';
    return fmt::format("@PJL {}\r\nCODE={}\r\nDISPLAY={}{}{}\r\nONLINE={}\r\n\f", head, now->code,
                       quote, now->display, quote, online);
  }

  std::string dialect_;
  std::string product_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  std::string heard_;
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  const auto& dialect = settings.text("dialect");
  if (dialect != "hp" && dialect != "panasonic" && dialect != "brother") {
    return Error{Errc::invalid,
                 fmt::format("dialect = \"{}\" (known: hp, panasonic, brother)", dialect)};
  }
  return std::unique_ptr<Player>{std::make_unique<PjlPlayer>(settings)};
}

}  // namespace

PlayerCard pjl_player() { return {.protocol = "pjl", .settings = settings_table, .make = make}; }

}  // namespace kw::devices
