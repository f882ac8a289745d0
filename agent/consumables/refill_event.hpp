#pragma once

#include "agent/consumables/supplies.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::agent {

/// The event of a refill, as the collector keeps it.
pb::Event refill_event(const Supplies::Event& refill);

}  // namespace kw::agent
