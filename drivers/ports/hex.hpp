#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include <fmt/format.h>

namespace kw::drivers {

/// Bytes as an engineer compares them with a manual: "1a32". At most the first `most` of them.
inline std::string hex(std::span<const std::uint8_t> bytes, std::size_t most = 16) {
  std::string out;
  for (const auto b : bytes.first(std::min(bytes.size(), most))) out += fmt::format("{:02x}", b);
  return out;
}

}  // namespace kw::drivers
