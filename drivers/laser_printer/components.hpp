#pragma once

#include <vector>

#include "common/wire/status.hpp"
#include "drivers/laser_printer/findings.hpp"

namespace kw::drivers::laser {

/// Covers, doors, fuser and drum, as far as something is wrong with them.
std::vector<wire::Component> components_of(const Findings& findings);

}  // namespace kw::drivers::laser
