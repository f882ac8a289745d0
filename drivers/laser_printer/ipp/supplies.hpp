#pragma once

#include <vector>

#include "common/wire/status.hpp"
#include "drivers/laser_printer/ipp/message.hpp"
#include "drivers/laser_printer/ipp/reasons.hpp"
#include "drivers/laser_printer/supplies.hpp"

namespace kw::drivers::ipp {

/// Toner, drum, waste … from printer-supply (PWG 5100.13) and marker-* (PWG 5100.9), and the paper
/// of printer-input-tray and media-ready, each in the state that level and flags together give.
/// Names in `reported` what its conditions are about.
std::vector<wire::Consumable> consumables_of(const Message& printer, Reported& reported,
                                             const laser::Limits& limits);

}  // namespace kw::drivers::ipp
