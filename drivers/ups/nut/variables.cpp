#include "drivers/ups/nut/variables.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

namespace kw::drivers::nut {
namespace {

using enum wire::Severity;
using wire::Action;

constexpr std::array rows{
    wire::ConditionRow{"ups-unreachable",
                       fault,
                       Action::maintenance,
                       {"UPS 通信中断", "the UPS does not answer its server"}},
    wire::ConditionRow{
        "ups-overload", fault, Action::maintenance, {"UPS 过载", "the UPS is overloaded"}},
    wire::ConditionRow{"ups-bypass",
                       warning,
                       Action::maintenance,
                       {"UPS 旁路运行，断电时不受保护", "the UPS is bypassed: no protection"}},
    wire::ConditionRow{
        "ups-off", fault, Action::maintenance, {"UPS 输出已关闭", "the UPS gives no power"}},
    wire::ConditionRow{"ups-shutdown",
                       fault,
                       Action::maintenance,
                       {"UPS 即将切断输出", "the UPS is about to cut the power"}},
    wire::ConditionRow{
        "ups-alarm", warning, Action::maintenance, {"UPS 告警", "the UPS has an alarm"}},
};

/// The tokens of ups.status that something is wrong with. CHRG, DISCHRG, TRIM, BOOST, HB and CAL
/// are its work; tokens that we do not know are left out.
constexpr auto tokens =
    std::to_array<std::pair<std::string_view, std::string_view>>({{"OB", "mains-lost"},
                                                                  {"LB", "battery-low"},
                                                                  {"RB", "battery-replace"},
                                                                  {"OVER", "ups-overload"},
                                                                  {"BYPASS", "ups-bypass"},
                                                                  {"OFF", "ups-off"},
                                                                  {"FSD", "ups-shutdown"},
                                                                  {"ALARM", "ups-alarm"}});

constexpr auto figures = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"battery.charge", "battery_charge_percent"},
     {"battery.runtime", "battery_runtime_seconds"},
     {"battery.voltage", "battery_volts"},
     {"battery.temperature", "battery_temperature_celsius"},
     {"input.voltage", "input_volts"},
     {"input.frequency", "input_hertz"},
     {"output.voltage", "output_volts"},
     {"ups.load", "load_percent"},
     {"ups.realpower", "power_watts"},
     {"ups.temperature", "temperature_celsius"}});

constexpr std::size_t longest_identity = 64;

const wire::ConditionRow& row_of(std::string_view code) {
  const auto own = std::ranges::find(rows, code, &wire::ConditionRow::code);
  return own != rows.end() ? *own : *wire::find_condition(code);
}

std::string_view text_of(const Variables& variables, std::string_view name) {
  const auto it = variables.find(name);
  return it == variables.end() ? std::string_view{} : std::string_view{it->second};
}

std::optional<double> number_of(const Variables& variables, std::string_view name) {
  const auto text = text_of(variables, name);
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  return whole && std::isfinite(value) ? std::optional{value} : std::nullopt;
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// What ups.status says, taken apart.
class Flags {
 public:
  explicit Flags(std::string_view status) : words_(split(status)) {}
  bool has(std::string_view word) const { return std::ranges::find(words_, word) != words_.end(); }
  bool none() const { return words_.empty(); }

 private:
  std::vector<std::string_view> words_;
};

wire::DeviceState device_state(const Flags& flags) {
  if (flags.none()) return wire::DeviceState::unknown;
  if (flags.has("WAIT")) return wire::DeviceState::starting;
  if (flags.has("OFF")) return wire::DeviceState::power_off;
  if (flags.has("CAL")) return wire::DeviceState::device_busy;
  return wire::DeviceState::online;
}

std::vector<wire::Component> components_of(const Flags& flags) {
  using enum wire::ComponentState;
  std::vector<wire::Component> out;
  const auto mains = flags.has("OB") ? off : flags.has("OL") ? on : unknown;
  out.push_back({"mains", mains, false});
  if (!flags.none()) {
    out.push_back({"battery", flags.has("RB") ? fading : ok, true});
    out.push_back({"output", flags.has("OFF") ? off : on, true});
  }
  return out;
}

wire::Consumable battery_of(const Variables& variables, const Flags& flags) {
  wire::Consumable out{.type = "battery", .unit = "percent"};
  const auto charge = number_of(variables, "battery.charge");
  // On the mains or on the battery it would say LB or RB; of an alarm alone nothing follows.
  const bool tells = flags.has("OL") || flags.has("OB") || flags.has("LB") || flags.has("RB");
  if (charge && *charge >= 0 && *charge <= 100) {
    out.source = wire::LevelSource::measured;
    out.available = charge;
    out.percent = charge;
    out.capacity = 100;
  } else if (tells) {
    out.source = wire::LevelSource::flag;
  }
  out.warning_level = number_of(variables, "battery.charge.warning");
  if (!out.warning_level) out.warning_level = number_of(variables, "battery.charge.low");
  // The UPS's own word; a charge below the warning level while it charges is not yet a need.
  if (flags.has("LB") || flags.has("RB")) {
    out.state = wire::ConsumableState::low;
  } else if (tells || (out.percent && !flags.none())) {
    out.state = wire::ConsumableState::full;
  }
  return out;
}

/// The first that is there, without what is no text.
std::string identity(const Variables& variables, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    std::string out{text_of(variables, name).substr(0, longest_identity)};
    std::erase_if(out, [](char c) { return c < ' ' || c > '~'; });
    if (!out.empty()) return out;
  }
  return {};
}

/// The words of an alarm, unless they hold figures: those may change by themselves.
std::string alarm_text(const Variables& variables) {
  const auto text = identity(variables, {"ups.alarm"});
  const bool figure = std::ranges::any_of(text, [](char c) { return c >= '0' && c <= '9'; });
  return figure ? std::string{} : text;
}

}  // namespace

std::span<const wire::ConditionRow> own_conditions() { return rows; }

wire::Status status_of(const Variables& variables) {
  const Flags flags{text_of(variables, "ups.status")};
  wire::Status out;
  out.evidence = wire::Evidence::protocol_reply;
  out.device = device_state(flags);
  out.components = components_of(flags);
  for (const auto& [token, code] : tokens) {
    if (!flags.has(token)) continue;
    out.conditions.push_back(
        wire::condition(row_of(code), std::string{token},
                        token == "ALARM" ? alarm_text(variables) : std::string{}));
  }
  out.consumables.push_back(battery_of(variables, flags));
  for (const auto& [variable, measurement] : figures) {
    if (const auto value = number_of(variables, variable)) {
      out.measurements.push_back({std::string{measurement}, *value});
    }
  }
  out.identity.vendor = identity(variables, {"device.mfr", "ups.mfr"});
  out.identity.model = identity(variables, {"device.model", "ups.model"});
  out.identity.serial = identity(variables, {"device.serial", "ups.serial"});
  out.identity.firmware = identity(variables, {"ups.firmware"});
  return out;
}

wire::Status unreachable(std::string_view error) {
  wire::Status out;
  out.evidence = wire::Evidence::protocol_reply;
  out.device = wire::DeviceState::offline;
  out.conditions.push_back(wire::condition(row_of("ups-unreachable"), std::string{error}));
  return out;
}

}  // namespace kw::drivers::nut
