#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/bilingual.hpp"
#include "drivers/driver.hpp"
#include "drivers/settings.hpp"

// What is wrong with a device's settings or port, in both languages.
namespace kw::drivers {

/// One mistake in a device's settings.
struct SettingMistake {
  enum class Kind : std::uint8_t { bad_value, unknown };
  Kind kind;
  std::string name;
  std::string value;   ///< as given
  Bilingual expected;  ///< "an integer from 50 to 5000"; of an unknown name: the known ones

  /// `timeout_ms = "soon": expected an integer from 50 to 5000`.
  std::string in(Lang lang) const;
};

/// Every mistake in what is `given` as text, those of values first.
std::vector<SettingMistake> mistakes_in(
    std::span<const Setting> table, const std::map<std::string, std::string, std::less<>>& given);

/// Of which setting a driver's `make` complains. By convention its sentence names it before " =" or
/// ":" (in Chinese "："), as in `model = "x": unknown model`; the first of the table's names that
/// stands so, empty when none does. `text`: in either language.
std::string_view setting_in(std::span<const Setting> table, std::string_view text);

/// What the driver speaks over: "a port with scheme serial or tcp".
Bilingual ports_of(const Card& card);

}  // namespace kw::drivers
