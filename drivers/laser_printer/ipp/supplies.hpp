#pragma once

#include <vector>

#include "common/wire/status.hpp"
#include "drivers/laser_printer/ipp/message.hpp"
#include "drivers/laser_printer/ipp/reasons.hpp"

namespace kw::drivers::ipp {

/// The operator's warning levels; 0: only the printer's own.
struct Limits {
  double toner_percent = 0;
  double paper_sheets = 0;
};

/// Toner, drum, waste … from printer-supply (PWG 5100.13) and marker-* (PWG 5100.9), and the paper
/// of printer-input-tray and media-ready, each in the state that level and flags together give.
/// Names in `reported` what its conditions are about.
std::vector<wire::Consumable> consumables_of(const Message& printer, Reported& reported,
                                             const Limits& limits);

}  // namespace kw::drivers::ipp
