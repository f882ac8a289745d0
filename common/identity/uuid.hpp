#pragma once

#include <string>
#include <string_view>

#include "common/clock.hpp"

namespace kw::identity {

/// UUIDv7 (RFC 9562) in lower-case text: 48 bits of milliseconds, then 74 of the given randomness
/// (at least 10 bytes).
std::string uuid_v7(WallTime at, std::string_view random);
/// The same with fresh randomness.
std::string uuid_v7(WallTime at);

}  // namespace kw::identity
