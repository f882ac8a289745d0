#pragma once

#include <string>

#include "common/clock.hpp"

namespace kw::agent {

/// What a business application found when it used a device: the only word of a device whose port
/// it holds all day (数据助手, device results).
struct DeviceResult {
  bool worked = false;
  std::string vendor_code;  ///< as the device or its library gave it: "EOT2=32"; may be empty
  std::string detail;       ///< facts for the engineer; nothing of a citizen or a card
  MonoTime at{};            ///< when the application was done with the device
};

}  // namespace kw::agent
