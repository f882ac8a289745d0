#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "drivers/simulators/player.hpp"

namespace kw::devices {
namespace {

using drivers::Setting;
using drivers::SettingType;

// upsd with one UPS behind it, as far as a client that only looks needs it (NUT developer guide,
// "Network protocol information"), written from that and not from the driver.

constexpr std::array settings_table{
    Setting{"ups", SettingType::text, "kioskups", {"UPS 的名称", "name of the UPS"}},
    Setting{"second_ups",
            SettingType::text,
            "",
            {"另一台 UPS 的名称；留空表示没有", "name of a second UPS; empty: none"}},
    Setting{"charge_percent",
            SettingType::integer,
            "97",
            {"电池电量（%）", "charge of the battery, in percent"},
            0,
            100},
    Setting{"runtime_seconds",
            SettingType::integer,
            "1860",
            {"可供电时间（秒）", "how long the battery lasts, in seconds"},
            0,
            1000000},
    Setting{"slow_ms",
            SettingType::integer,
            "300",
            {"条件 slow 时的应答延迟（毫秒）", "how late it answers under condition slow"},
            1,
            60000},
};

/// Words of ups.status by the condition that sets them.
constexpr auto flags =
    std::to_array<std::pair<std::string_view, std::string_view>>({{"battery-low", "LB"},
                                                                  {"battery-replace", "RB"},
                                                                  {"charging", "CHRG"},
                                                                  {"ups-overload", "OVER"},
                                                                  {"ups-bypass", "BYPASS"},
                                                                  {"ups-off", "OFF"},
                                                                  {"ups-shutdown", "FSD"},
                                                                  {"ups-alarm", "ALARM"},
                                                                  {"calibrating", "CAL"},
                                                                  {"starting", "WAIT"}});

constexpr auto other_conditions =
    std::to_array<std::string_view>({"mains-lost", "data-stale", "driver-not-connected",
                                     "access-denied", "no-ups", "no-reply", "garbage", "slow"});

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

class NutPlayer final : public Player {
 public:
  explicit NutPlayer(const drivers::Settings& settings)
      : ups_(settings.text("ups")),
        second_(settings.text("second_ups")),
        charge_(settings.integer("charge_percent")),
        runtime_(settings.integer("runtime_seconds")),
        slow_(std::chrono::milliseconds{settings.integer("slow_ms")}),
        conditions_(other_conditions.begin(), other_conditions.end()) {
    for (const auto& flag : flags) conditions_.emplace_back(flag.first);
  }

  const std::vector<std::string>& conditions() const override { return conditions_; }

  Bytes set(std::string_view condition, bool on) override {
    if (on) {
      on_.emplace(condition);
    } else if (const auto it = on_.find(condition); it != on_.end()) {
      on_.erase(it);
    }
    return {};  // upsd says nothing unasked
  }

  Answer answer(std::span<const std::uint8_t> bytes) override {
    heard_.append(bytes.begin(), bytes.end());
    std::string said;
    for (auto end = heard_.find('\n'); end != std::string::npos; end = heard_.find('\n')) {
      said += reply_to(heard_.substr(0, end));
      heard_.erase(0, end + 1);
    }
    Answer out;
    if (is_on("slow")) out.after = slow_;
    if (is_on("garbage")) std::ranges::fill(said, '\xfd');
    if (!is_on("no-reply")) out.bytes.assign(said.begin(), said.end());
    return out;
  }

  void meet() override { heard_.clear(); }

 private:
  bool is_on(std::string_view condition) const { return on_.contains(condition); }

  std::string reply_to(std::string line) const {
    if (line.ends_with('\r')) line.pop_back();
    if (is_on("access-denied")) return "ERR ACCESS-DENIED\n";
    if (line == "VER") return "Network UPS Tools upsd 2.8.0 (simulated)\n";
    if (line == "NETVER") return "1.3\n";
    if (line == "LOGOUT") return "OK Goodbye\n";
    if (line == "LIST UPS") return list_ups();
    const auto name = [&](std::string_view command) {
      return line.starts_with(command) ? line.substr(command.size()) : std::string{};
    };
    if (const auto ups = name("LIST VAR "); !ups.empty()) return list_variables(ups);
    return "ERR UNKNOWN-COMMAND\n";
  }

  std::string list_ups() const {
    std::string out = "BEGIN LIST UPS\n";
    if (!is_on("no-ups")) {
      out += "UPS " + ups_ + " " + quoted("kiosk \"mains\" UPS") + "\n";
      if (!second_.empty())
        out += "UPS " + second_ + " " + quoted("Description unavailable") + "\n";
    }
    return out + "END LIST UPS\n";
  }

  std::string list_variables(const std::string& ups) const {
    const bool known = ups == ups_ || (!second_.empty() && ups == second_);
    if (!known) return "ERR UNKNOWN-UPS\n";
    if (is_on("driver-not-connected")) return "ERR DRIVER-NOT-CONNECTED\n";
    if (is_on("data-stale")) return "ERR DATA-STALE\n";
    std::string out = "BEGIN LIST VAR " + ups + "\n";
    for (const auto& [variable, value] : variables()) {
      out += "VAR " + ups + " " + variable + " " + quoted(value) + "\n";
    }
    return out + "END LIST VAR " + ups + "\n";
  }

  std::string status() const {
    std::string out = is_on("mains-lost") ? "OB DISCHRG" : "OL";
    for (const auto& [condition, flag] : flags) {
      if (is_on(condition)) out.append(" ").append(flag);
    }
    return out;
  }

  std::map<std::string, std::string> variables() const {
    std::map<std::string, std::string> out{
        {"battery.charge", std::to_string(is_on("battery-low") ? 12 : charge_)},
        {"battery.charge.low", "20"},
        {"battery.runtime", std::to_string(is_on("battery-low") ? 95 : runtime_)},
        {"battery.voltage", "27.1"},
        {"device.mfr", "Kiosk"},
        {"device.model", "UPS \"1000\""},
        {"device.serial", "KWU0000001"},
        {"device.type", "ups"},
        {"driver.version", "2.8.0"},
        {"input.voltage", is_on("mains-lost") ? "0.0" : "221.4"},
        {"output.voltage", "220.8"},
        {"ups.firmware", "1.04"},
        {"ups.load", is_on("ups-overload") ? "118" : "23"},
        {"ups.status", status()},
        {"ups.temperature", "31.5"}};
    if (is_on("ups-alarm")) out["ups.alarm"] = "Fan failure!";
    return out;
  }

  std::string ups_;
  std::string second_;
  std::int64_t charge_;
  std::int64_t runtime_;
  Duration slow_;
  std::vector<std::string> conditions_;
  std::set<std::string, std::less<>> on_;
  std::string heard_;
};

Result<std::unique_ptr<Player>> make(const drivers::Settings& settings) {
  return std::unique_ptr<Player>{std::make_unique<NutPlayer>(settings)};
}

}  // namespace

PlayerCard nut_player() { return {.protocol = "nut", .settings = settings_table, .make = make}; }

}  // namespace kw::devices
