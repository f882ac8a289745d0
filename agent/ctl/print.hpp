#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "common/i18n.hpp"

namespace kw::agent::ctl {

/// What the agent or a probe answered, for people.
std::string status_text(const boost::json::object& answer, Lang lang);
std::string devices_text(const boost::json::object& answer, Lang lang);
std::string outbox_text(const boost::json::object& answer, Lang lang);
std::string probe_text(const boost::json::object& probed, Lang lang);

/// Every driver with its settings, from its card.
std::string drivers_text(Lang lang);
boost::json::object drivers_json(Lang lang);

}  // namespace kw::agent::ctl
