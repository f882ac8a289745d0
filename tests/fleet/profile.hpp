#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "common/clock.hpp"
#include "common/i18n.hpp"

namespace kw::fleet {

/// What a fleet of kiosks lives through.
struct Profile {
  std::string_view name;
  Text text;
  double changes_per_hour = 0;       ///< of a device's state, a kiosk
  double transactions_per_hour = 0;  ///< a kiosk
  int backlog = 0;                   ///< samples that each kiosk has under way at any time
  bool boots = false;                ///< every kiosk begins with its power record and all devices
  bool outage = false;               ///< the middle third without a network
};

std::span<const Profile> profiles();
const Profile* find_profile(std::string_view name);

}  // namespace kw::fleet
