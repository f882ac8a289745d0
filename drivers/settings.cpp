#include "drivers/settings.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <optional>

#include "common/filled.hpp"
#include "drivers/catalogue.hpp"
#include "drivers/mistakes.hpp"

namespace kw::drivers {
namespace {

bool bounded(const Setting& row) { return row.least != 0 || row.most != 0; }

template <class N>
std::optional<N> number_in(const Setting& row, std::string_view text) {
  N value{};
  const char* const start = text.data();
  const char* const end = start + text.size();
  const auto parsed = std::from_chars(start, end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  const auto wide = static_cast<double>(value);
  if (!std::isfinite(wide)) return std::nullopt;
  if (bounded(row) && (wide < row.least || wide > row.most)) return std::nullopt;
  return value;
}

std::optional<SettingValue> value_of(const Setting& row, std::string_view text) {
  switch (row.type) {
    case SettingType::boolean:
      if (text == "true") return true;
      if (text == "false") return false;
      return std::nullopt;
    case SettingType::integer:
      if (const auto n = number_in<std::int64_t>(row, text)) return *n;
      return std::nullopt;
    case SettingType::number:
      if (const auto n = number_in<double>(row, text)) return *n;
      return std::nullopt;
    case SettingType::text:
      return std::string{text};
  }
  return std::nullopt;
}

Bilingual expected(const Setting& row) {
  switch (row.type) {
    case SettingType::boolean:
      return Text{"true 或 false", "true or false"};
    case SettingType::integer:
      if (!bounded(row)) return Text{"整数", "an integer"};
      return filled({"{} 至 {} 的整数", "an integer from {} to {}"}, row.least, row.most);
    case SettingType::number:
      if (!bounded(row)) return Text{"数", "a number"};
      return filled({"{} 至 {} 的数", "a number from {} to {}"}, row.least, row.most);
    case SettingType::text:
      break;
  }
  return Text{"文字", "text"};
}

Bilingual names_of(std::span<const Setting> table) {
  if (table.empty()) return Text{"无", "none"};
  std::string out;
  for (const auto& row : table) {
    if (&row != table.data()) out += ", ";
    out += row.name;
  }
  return out;
}

template <class T>
const T& as(const std::map<std::string, SettingValue, std::less<>>& values, std::string_view name) {
  const auto it = values.find(name);
  assert(it != values.end() && std::holds_alternative<T>(it->second));
  return *std::get_if<T>(&it->second);
}

}  // namespace

std::string SettingMistake::in(Lang lang) const {
  constexpr Text unknown{"{}：没有这个设置（可用：{}）", "{}: unknown setting (known: {})"};
  constexpr Text bad{"{} = \"{}\"：应为：{}", "{} = \"{}\": expected {}"};
  if (kind == Kind::unknown) return filled(unknown, name, expected).in(lang);
  return filled(bad, name, value, expected).in(lang);
}

std::string_view setting_in(std::span<const Setting> table, std::string_view text) {
  const auto in_a_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  std::string_view found;
  auto first = text.size();
  for (const auto& row : table) {
    for (auto at = text.find(row.name); at < first; at = text.find(row.name, at + 1)) {
      const auto rest = text.substr(at + row.name.size());
      const bool begins = at == 0 || !in_a_name(text[at - 1]);
      const bool named = rest.starts_with(" =") || rest.starts_with(':') || rest.starts_with("：");
      if (!begins || !named) continue;
      first = at;
      found = row.name;
      break;
    }
  }
  return found;
}

std::vector<SettingMistake> mistakes_in(
    std::span<const Setting> table, const std::map<std::string, std::string, std::less<>>& given) {
  using enum SettingMistake::Kind;
  std::vector<SettingMistake> out;
  for (const auto& row : table) {
    const auto it = given.find(row.name);
    if (it == given.end() || value_of(row, it->second)) continue;
    out.push_back({bad_value, std::string{row.name}, it->second, expected(row)});
  }
  for (const auto& [name, text] : given) {
    if (std::ranges::find(table, name, &Setting::name) != table.end()) continue;
    out.push_back({unknown, name, text, names_of(table)});
  }
  return out;
}

Settings Settings::read(std::span<const Setting> table,
                        const std::map<std::string, std::string, std::less<>>& given,
                        std::vector<Error>& problems) {
  Settings out;
  for (const auto& row : table) {
    const auto it = given.find(row.name);
    auto value = it == given.end() ? std::nullopt : value_of(row, it->second);
    if (!value) value = value_of(row, row.fallback);
    assert(value && "a table's own default must be valid");
    out.values_.emplace(row.name, std::move(*value));
  }
  for (const auto& mistake : mistakes_in(table, given)) {
    problems.emplace_back(Errc::invalid, mistake.in(Lang::en));
  }
  return out;
}

Bilingual ports_of(const Card& card) {
  if (card.schemes.empty()) return {"\"-\"（该驱动没有端口）", known_schemes(card)};
  std::string zh = "以 ";
  for (std::size_t i = 0; i < card.schemes.size(); ++i) {
    zh.append(i == 0 ? "" : " 或 ").append(card.schemes[i]).append(":");
  }
  return {zh + " 开头的端口", known_schemes(card)};
}

bool Settings::boolean(std::string_view name) const { return as<bool>(values_, name); }

std::int64_t Settings::integer(std::string_view name) const {
  return as<std::int64_t>(values_, name);
}

double Settings::number(std::string_view name) const { return as<double>(values_, name); }

const std::string& Settings::text(std::string_view name) const {
  return as<std::string>(values_, name);
}

}  // namespace kw::drivers
