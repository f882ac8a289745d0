#pragma once

#include <string>
#include <string_view>

namespace kw::collector {

/// Adds the CRC-32 of a stored message to its end, as a field that its readers do not know and pass
/// over (number 2047, fixed32): SQLite itself would not notice a bit that falls over.
std::string with_check(std::string body);

/// Whether the check at the end holds. A body without one, of an earlier version, passes.
bool check_holds(std::string_view body);

}  // namespace kw::collector
