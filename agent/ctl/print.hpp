#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "agent/ctl/table.hpp"

namespace kw::agent::ctl {

/// What the agent or a probe answered, for people.
std::string status_text(const boost::json::object& answer, const View& view);
/// One entry of `devices` in full.
std::string device_text(const boost::json::object& device, const View& view);
std::string devices_text(const boost::json::object& answer, const View& view);
std::string outbox_text(const boost::json::object& answer, const View& view);
std::string probe_text(const boost::json::object& probed, const View& view);

/// Every driver with its settings, from its card.
std::string drivers_text(const View& view);
boost::json::object drivers_json(Lang lang);

}  // namespace kw::agent::ctl
