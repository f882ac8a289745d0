#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace kw::identity {

/// Unpredictable bytes from the system's generator. Ends the process when there are none: nothing
/// that follows would be a secret. Any thread.
std::string random_bytes(std::size_t count);
std::uint64_t random_u64();

}  // namespace kw::identity
