#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/driver.hpp"
#include "tests/fuzz/fuzz_port.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

/// "driver-NAME" for every driver of the catalogue that has a wire.
std::vector<Target> driver_targets();

/// How a driver is set up.
struct Choice {
  std::string_view scheme;                                     ///< of the port that it is given
  std::map<std::string, std::string, std::less<>> given = {};  ///< its settings
};

/// What an input's first two bytes choose: the low five bits of the first one of the driver's
/// profiles, the others the scheme; the second which yes-or-no settings are not as by default.
Choice choice_of(const drivers::Card& card, std::uint8_t first, std::uint8_t switches);
inline constexpr unsigned profile_bits = 5;

/// That first byte. Of a scheme that the driver does not have: its first one.
std::uint8_t first_byte(const drivers::Card& card, std::size_t profile, std::string_view scheme);

/// A driver's life on that wire: opened, polled, tested, closed, and again while there is `more` to
/// be said. Aborts where the contract of driver.hpp is broken. Whether a poll got a status.
bool live(const drivers::Card& card, const Choice& choice, Wire& wire,
          const std::function<bool()>& more);

}  // namespace kw::fuzz
