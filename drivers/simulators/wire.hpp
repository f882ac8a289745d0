#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "common/i18n.hpp"
#include "common/result.hpp"
#include "drivers/settings.hpp"
#include "drivers/simulators/player.hpp"

namespace kw::devices {

/// What can be wrong with the wire of any device, whatever it speaks.
struct WireCondition {
  std::string_view name;
  Text help;
};

/// unplug, slow, garbage, silence. A device that has a condition of the same name by itself keeps
/// its own: it knows better what that looks like.
std::span<const WireCondition> wire_conditions();

/// The settings that every device of a scenario has beside its player's: how slow, which garbage.
std::span<const drivers::Setting> wire_settings();

/// The one condition that is not the player's to play: whoever has the line pulls it out.
inline constexpr std::string_view unplug = "unplug";

/// `device` with the conditions of its wire. `settings` is read from `wire_settings()`.
std::unique_ptr<Player> on_wire(std::unique_ptr<Player> device, const drivers::Settings& settings);

}  // namespace kw::devices
