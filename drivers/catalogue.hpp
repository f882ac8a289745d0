#pragma once

#include <span>
#include <string>
#include <string_view>

#include "drivers/driver.hpp"

namespace kw::drivers {

/// Every driver built in, in the order of the kw_driver() lines of drivers/CMakeLists.txt.
std::span<const Card> catalogue();

/// The card of `name`, or nullptr.
const Card* find(std::string_view name);

/// Whether the driver speaks over ports of this scheme; "-" for one without a port.
bool fits(const Card& card, std::string_view scheme);
/// What it speaks over, for a mistake's text: "a port with scheme serial or tcp".
std::string known_schemes(const Card& card);

}  // namespace kw::drivers
