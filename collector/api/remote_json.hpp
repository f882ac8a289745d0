#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "collector/store/queries.hpp"

/// Rows of what is asked from afar, as openapi.yaml describes them.
namespace kw::collector {

boost::json::object to_json(const CommandRow& row);
/// With the text that was pushed last and the history.
boost::json::object to_json(const ConfigurationRow& row);
/// The part of a terminal.
boost::json::object to_json(const ConfigurationFacts& facts);
/// null while there is none.
boost::json::value to_json(const std::optional<Maintenance>& maintenance);

}  // namespace kw::collector
