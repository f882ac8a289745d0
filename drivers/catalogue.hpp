#pragma once

#include <span>
#include <string_view>

#include "drivers/driver.hpp"

namespace kw::drivers {

/// Every driver built in, in the order of the kw_driver() lines of drivers/CMakeLists.txt.
std::span<const Card> catalogue();

/// The card of `name`, or nullptr.
const Card* find(std::string_view name);

}  // namespace kw::drivers
