#pragma once

#include "common/clock.hpp"

namespace kw::agent {

/// How what business applications report of a device counts; configured for each device.
struct ResultLimits {
  Duration age = std::chrono::minutes{15};  ///< an older report says nothing
  int failures = 3;                         ///< in a row
};

}  // namespace kw::agent
