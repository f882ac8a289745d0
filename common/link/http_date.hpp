#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace kw::link {

/// The value of an HTTP Date field (RFC 9110, section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(WallTime t);
/// Nothing for any other form.
std::optional<WallTime> from_http_date(std::string_view text);

}  // namespace kw::link
