#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/i18n.hpp"
#include "common/result.hpp"

namespace kw::drivers {

using SettingValue = std::variant<bool, std::int64_t, double, std::string>;

enum class SettingType : std::uint8_t { boolean, integer, number, text };

/// One row of a driver's settings table: the sample configuration, the validation and
/// `kioskctl drivers` all come from it.
struct Setting {
  std::string_view name;
  SettingType type;
  std::string_view fallback;  ///< the default, as it would be written
  Text help;
  double least = 0;  ///< integer and number only; both 0: no bounds
  double most = 0;
};

/// A device's settings, checked against its driver's table and complete.
class Settings {
 public:
  /// `given` as text (from `[device.settings]` or NAME=VALUE). Every mistake is one Error in the
  /// list: an unknown name names the known ones, a bad value says what was expected.
  static Settings read(std::span<const Setting> table,
                       const std::map<std::string, std::string, std::less<>>& given,
                       std::vector<Error>& problems);

  bool boolean(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  const std::string& text(std::string_view name) const;

 private:
  std::map<std::string, SettingValue, std::less<>> values_;
};

}  // namespace kw::drivers
