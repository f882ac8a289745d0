#pragma once

#include <cstddef>
#include <cstdint>

namespace kw::collector {

/// What the gateway has seen since it started; shown in /metrics.
struct GatewayFigures {
  std::size_t sessions = 0;
  std::uint64_t frames = 0;
  std::uint64_t refused = 0;  ///< handshakes that `admit` turned away
  std::uint64_t garbled = 0;
  std::uint64_t quarantined = 0;  ///< sessions beside a live one of the same identity
};

}  // namespace kw::collector
