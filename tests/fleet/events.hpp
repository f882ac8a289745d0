#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "agent/uplink/inventory.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::fleet {

/// What the kiosks of a fleet consist of.
const std::vector<agent::ConfiguredDevice>& devices();

/// Device number `which`, well or with the fault that this kind has most often.
pb::Event state(std::size_t which, bool well);
pb::Event boot();
pb::Event sample(std::mt19937_64& random);
/// One piece of business; `id` is unique on its kiosk.
pb::Event transaction(std::uint64_t id, std::mt19937_64& random);

}  // namespace kw::fleet
