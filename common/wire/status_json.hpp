#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "common/wire/status.hpp"

namespace kw::wire {

/// A status as `kioskctl probe`, the agent's control socket and the collector's API all print it:
/// `health, device_state, media, enabled, components[], consumables[], conditions[], evidence,
/// identity`. Keys are snake_case, values as XFS4IoT spells them; what is not known is null.
boost::json::object to_json(const Status& status);

/// A figure as people and strict readers of integers write it: 80, not 8E1. Whole numbers that a
/// double cannot tell apart stay as they are.
boost::json::value number_json(double number);

/// `{name: value}` of the measurements.
boost::json::object measurements_json(const std::vector<Measurement>& measurements);

}  // namespace kw::wire
