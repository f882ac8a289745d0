#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "drivers/driver.hpp"
#include "tests/fuzz/fuzz_port.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

/// "driver-NAME" for every driver of the catalogue that has a wire.
std::vector<Target> driver_targets();

using Given = std::map<std::string, std::string, std::less<>>;

/// The settings that an input's first two bytes choose: which of the driver's profiles, and which
/// yes-or-no settings are not as by default.
Given settings_of(const drivers::Card& card, std::uint8_t profile, std::uint8_t switches);

/// A driver's life on that wire: opened, polled, tested, closed, and again while there is `more` to
/// be said. Aborts where the contract of driver.hpp is broken. Whether a poll got a status.
bool live(const drivers::Card& card, const Given& settings, Wire& wire,
          const std::function<bool()>& more);

}  // namespace kw::fuzz
