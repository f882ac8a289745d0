#pragma once

#include <string>
#include <string_view>

namespace kw::drivers::laser {

/// A printer's text as it may be shown and stored: well-formed UTF-8 without control characters;
/// other bytes became '?'.
std::string readable(std::string_view raw);

}  // namespace kw::drivers::laser
