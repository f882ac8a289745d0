#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/status.hpp"
#include "drivers/receipt_printer/escpos/profile.hpp"

namespace kw::drivers::escpos {

// What a printer's answers mean. Pure.

/// A status answer.
struct Reply {
  std::string_view name;  ///< of the question
  std::vector<std::uint8_t> bytes;
};

/// What the set bits of all replies say, by meaning.
struct Sign {
  std::string means;
  std::string vendor_code;
  std::string detail;
};

/// The bits that are set in `replies`, each of which is one of the model's tables.
std::vector<Sign> signs_of(const Model& model, std::span<const Reply> replies);

/// The sign of that meaning, or nullptr.
const Sign* find(const std::vector<Sign>& signs, std::string_view means);

std::vector<wire::Condition> conditions_of(const std::vector<Sign>& signs);
wire::DeviceState device_state(const std::vector<Sign>& signs,
                               const std::vector<wire::Condition>& conditions);
wire::Media media_state(const Model& model, const std::vector<wire::Condition>& conditions);
std::vector<wire::Component> components_of(const Model& model,
                                           const std::vector<wire::Condition>& conditions);

/// Flags overrule what the printer has counted: at paper end nothing is left, whatever it counted.
/// `counted_metres`: what a printer that counts says is left; `roll_metres`: a full roll, 0 when
/// nobody said.
wire::Consumable paper_of(const Model& model, const std::vector<wire::Condition>& conditions,
                          std::optional<double> counted_metres, double roll_metres);

}  // namespace kw::drivers::escpos
