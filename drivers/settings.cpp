#include "drivers/settings.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

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

std::string expected(const Setting& row) {
  switch (row.type) {
    case SettingType::boolean:
      return "true or false";
    case SettingType::integer:
      return bounded(row) ? fmt::format("an integer from {} to {}", row.least, row.most)
                          : "an integer";
    case SettingType::number:
      return bounded(row) ? fmt::format("a number from {} to {}", row.least, row.most) : "a number";
    case SettingType::text:
      return "text";
  }
  return {};
}

std::string names_of(std::span<const Setting> table) {
  if (table.empty()) return "there are none";
  std::string out = "known: ";
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

Settings Settings::read(std::span<const Setting> table,
                        const std::map<std::string, std::string, std::less<>>& given,
                        std::vector<Error>& problems) {
  Settings out;
  for (const auto& row : table) {
    auto value = value_of(row, row.fallback);
    assert(value && "a table's own default must be valid");
    if (const auto it = given.find(row.name); it != given.end()) {
      if (auto wanted = value_of(row, it->second)) {
        value = std::move(wanted);
      } else {
        problems.emplace_back(Errc::invalid, fmt::format("{} = \"{}\": expected {}", row.name,
                                                         it->second, expected(row)));
      }
    }
    out.values_.emplace(row.name, std::move(*value));
  }
  for (const auto& [name, text] : given) {
    if (std::ranges::find(table, name, &Setting::name) != table.end()) continue;
    problems.emplace_back(Errc::invalid,
                          fmt::format("{}: unknown setting ({})", name, names_of(table)));
  }
  return out;
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
