#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "collector/store/queries.hpp"

/// Rows as openapi.yaml describes them.
namespace kw::collector {

boost::json::object to_json(const TerminalRow& row);
boost::json::object to_json(const DeviceRow& row);
boost::json::object to_json(const FaultRow& row);
boost::json::object to_json(const OrderRow& row);
boost::json::object to_json(const FaultDay& row);
/// Counts as the live feed tells them.
boost::json::object to_json(const StoreFigures& figures);
boost::json::object to_json(const std::map<TerminalState, std::int64_t>& terminals);
/// The device's consumables (clause 9.3), each a row of its own.
boost::json::array consumables_json(const DeviceRow& row);

}  // namespace kw::collector
