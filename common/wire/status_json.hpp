#pragma once

#include <boost/json/object.hpp>

#include "common/wire/status.hpp"

namespace kw::wire {

/// A status as `kioskctl probe`, the agent's control socket and the collector's API all print it:
/// `health, device_state, media, enabled, components[], consumables[], conditions[], evidence,
/// identity`. Keys are snake_case, values as XFS4IoT spells them; what is not known is null.
boost::json::object to_json(const Status& status);

/// `{name: value}` of the measurements.
boost::json::object measurements_json(const std::vector<Measurement>& measurements);

}  // namespace kw::wire
