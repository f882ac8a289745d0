#include "drivers/simulators/list.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "common/wire/conditions.hpp"
#include "drivers/catalogue.hpp"
#include "drivers/simulators/messages.hpp"
#include "drivers/simulators/player.hpp"
#include "drivers/simulators/wire.hpp"

namespace kw::devices {
namespace {

namespace json = boost::json;
using drivers::Setting;
using drivers::SettingType;

struct Condition {
  std::string name;
  Text help;
};

/// What a condition's code means, where a driver or the common table says so.
Text meaning(std::string_view protocol, std::string_view code) {
  if (const auto* card = drivers::find(protocol); card != nullptr) {
    const auto row = std::ranges::find(card->conditions, code, &wire::ConditionRow::code);
    if (row != card->conditions.end()) return row->text;
  }
  if (const auto* row = wire::find_condition(code); row != nullptr) return row->text;
  const auto wire = std::ranges::find(wire_conditions(), code, &WireCondition::name);
  return wire != wire_conditions().end() ? wire->help : Text{};
}

/// Those of a device with its default settings; the wire's are listed once for all.
std::vector<Condition> conditions_of(const PlayerCard& card) {
  std::vector<Error> none;
  const auto player = card.make(drivers::Settings::read(card.settings, {}, none));
  std::vector<Condition> out;
  if (!player) return out;
  for (const auto& name : (*player)->conditions()) {
    out.push_back({name, meaning(card.protocol, name)});
  }
  return out;
}

std::vector<Condition> conditions_of_wires() {
  std::vector<Condition> out;
  for (const auto& row : wire_conditions()) out.push_back({std::string{row.name}, row.help});
  return out;
}

std::string_view type_of(const Setting& row) {
  constexpr std::string_view types[] = {"boolean", "integer", "number", "text"};
  return types[static_cast<std::size_t>(row.type)];
}

bool bounded(const Setting& row) { return row.least != 0 || row.most != 0; }

std::string range(const Setting& row) {
  return bounded(row) ? fmt::format("{}, {} … {}", type_of(row), row.least, row.most)
                      : std::string{type_of(row)};
}

json::object object(std::span<const Setting> settings, const std::vector<Condition>& conditions,
                    Lang lang) {
  json::object out;
  auto& rows = out["settings"].emplace_array();
  for (const auto& row : settings) {
    json::object setting{{"name", row.name},
                         {"type", type_of(row)},
                         {"default", row.fallback},
                         {"help", row.help.in(lang)}};
    if (bounded(row)) {
      setting["least"] = row.least;
      setting["most"] = row.most;
    }
    rows.push_back(std::move(setting));
  }
  auto& list = out["conditions"].emplace_array();
  for (const auto& condition : conditions) {
    const auto help = condition.help.in(lang);
    list.push_back(json::object{{"name", condition.name},
                                {"help", help.empty() ? json::value{} : json::value(help)}});
  }
  return out;
}

std::string block(std::string_view title, std::span<const Setting> settings,
                  const std::vector<Condition>& conditions, Lang lang) {
  std::string out = fmt::format("{}\n", title);
  for (const auto& row : settings) {
    out += fmt::format("  {} = {}  ({})  {}\n", row.name,
                       row.fallback.empty() ? "\"\"" : row.fallback, range(row), row.help.in(lang));
  }
  std::string names;
  for (const auto& condition : conditions) {
    names += (names.empty() ? "" : " ") + condition.name;
  }
  return out + "  " + std::string{messages::conditions.in(lang)} + names + "\n";
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out.empty() ? "-" : out;
}

std::string tables(std::string_view title, std::span<const Setting> settings,
                   const std::vector<Condition>& conditions) {
  std::string out = fmt::format("\n## {}\n\n", title);
  if (!settings.empty()) {
    out += "| Setting 设置 | Value 取值 | Default 默认 | Meaning 含义 |\n|---|---|---|---|\n";
  }
  for (const auto& row : settings) {
    out += fmt::format("| `{}` | {} | {} | {}<br>{} |\n", row.name, range(row),
                       row.fallback.empty() ? "-" : fmt::format("`{}`", cell(row.fallback)),
                       cell(row.help.zh), cell(row.help.en));
  }
  if (!settings.empty()) out += "\n";
  out += "| Condition 状况 | Meaning 含义 |\n|---|---|\n";
  for (const auto& condition : conditions) {
    const auto& help = condition.help;
    out += fmt::format("| `{}` | {} |\n", condition.name,
                       help.en.empty() ? "-" : cell(help.zh) + "<br>" + cell(help.en));
  }
  return out;
}

}  // namespace

json::object list_json(Lang lang) {
  json::object out;
  auto& list = out["protocols"].emplace_array();
  for (const auto& card : players()) {
    auto one = object(card.settings, conditions_of(card), lang);
    one["protocol"] = card.protocol;
    list.push_back(std::move(one));
  }
  out["wire"] = object(wire_settings(), conditions_of_wires(), lang);
  return out;
}

std::string list_text(Lang lang) {
  std::string out;
  for (const auto& card : players()) {
    out += block(card.protocol, card.settings, conditions_of(card), lang);
  }
  return out + block(messages::any_device.in(lang), wire_settings(), conditions_of_wires(), lang);
}

std::string list_markdown() {
  std::string out =
      "# Protocols 协议一览\n"
      "\n"
      "Written by `kiosk-devices list --markdown > drivers/simulators/PROTOCOLS.md`; a test "
      "compares the two. 由上述命令生成，请勿手工修改。\n"
      "How they are used: [README.md](README.md), [README.zh-CN.md](README.zh-CN.md). 用法见两份"
      "说明。\n";
  out += tables("any device 任何设备", wire_settings(), conditions_of_wires());
  for (const auto& card : players())
    out += tables(card.protocol, card.settings, conditions_of(card));
  return out;
}

}  // namespace kw::devices
