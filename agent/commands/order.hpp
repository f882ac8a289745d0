#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/i18n.hpp"
#include "common/result.hpp"

namespace kw::agent {

/// What a command of the collector asks for.
namespace order {
struct Refresh {
  std::optional<std::string> device;  ///< nothing: all
};
struct SelfTest {
  std::string device;
  std::string test;  ///< empty: the only one that the device has
};
struct LogBundle {};
}  // namespace order

using Order = std::variant<order::Refresh, order::SelfTest, order::LogBundle>;

/// Reads verb and arguments (a JSON object, or nothing). Errc::invalid with a sentence in `lang`
/// that says what is wrong and what there is; whether a device exists is not looked at.
Result<Order> parse_order(const std::string& verb, std::string_view args, Lang lang);

}  // namespace kw::agent
