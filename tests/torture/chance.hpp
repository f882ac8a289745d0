#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace kw::torture {

/// KW_TORTURE_SEED moves all that chance decides; without it every run is the same. `own`: the
/// test's, so that no two begin alike.
inline std::uint64_t seed(std::uint64_t own) {
  const char* given = std::getenv("KW_TORTURE_SEED");
  return given == nullptr ? own : own + std::stoull(given);
}

/// KW_TORTURE_TIMES: how many times as much is tried as in the test run.
inline int times() {
  const char* given = std::getenv("KW_TORTURE_TIMES");
  return given == nullptr ? 1 : std::stoi(given);
}

}  // namespace kw::torture
