#pragma once

#include <map>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "agent/ctl/table.hpp"

namespace kw::agent::ctl {

/// What is known of a device beside its events: its driver, whose table words its conditions.
using DriverOf = std::map<std::string, std::string>;
DriverOf drivers_of(const boost::json::array& devices);

/// What happened, in a sentence without time and device.
std::string event_text(const boost::json::object& event, const DriverOf& drivers, Lang lang);

/// time, device, what happened, delivered.
std::vector<Cell> event_cells(const boost::json::object& event, const DriverOf& drivers,
                              const View& view);

/// One event on one line that is cut at the view's width.
std::string event_line(const boost::json::object& event, const DriverOf& drivers, const View& view);

/// All of them under a head.
std::string events_text(const boost::json::array& events, const DriverOf& drivers,
                        const View& view);

}  // namespace kw::agent::ctl
