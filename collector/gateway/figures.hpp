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
  std::uint64_t turned_away = 0;  ///< told to come again later (Busy)
  std::size_t connections = 0;    ///< on the agents' port, handshakes and enrolments included
  std::size_t handshakes = 0;     ///< of these, handshakes under way
  bool draining = false;          ///< drained: lets nobody in until it is started again
  std::uint64_t quarantined = 0;  ///< sessions beside a live one of the same identity
};

}  // namespace kw::collector
