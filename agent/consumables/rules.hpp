#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kw::agent {

/// One `[[device.consumable]]` of agent.toml: what the operator knows of a consumable. Figures are
/// in `unit`; an empty optional is not known.
struct SupplyRules {
  std::string type;  ///< one of `known_supply`
  std::string unit;  ///< one of `known_unit`; empty: the device's own
  std::optional<double> capacity;
  std::optional<double> warn;      ///< at or below: a `*-low` warning
  std::optional<double> critical;  ///< at or below it counts as used up: an `*-empty` fault
  std::optional<double> near_end;  ///< what is left when the device's near-end sensor speaks
  std::optional<double> per_use;   ///< what one page or card takes of a unit that is not counted
  bool enabled = true;             ///< 启停: off, its level is judged by nobody
};

/// A configured device, as far as its consumables go.
struct SuppliedDevice {
  std::string name;
  bool enabled = true;
  std::vector<SupplyRules> consumables;
};

/// The types of output-devices.md, section 8, and what our drivers name; a colour may follow,
/// and the number of one more of that type: `toner_cyan`, `other_2`.
bool known_supply(std::string_view type);
std::string_view known_supplies();
/// percent pages sheets metres count cards g ml hours.
bool known_unit(std::string_view unit);
std::string_view known_units();

/// The condition of a level at or below `warn`, and at or below `critical`.
std::string_view low_code(std::string_view type);
std::string_view empty_code(std::string_view type);

}  // namespace kw::agent
