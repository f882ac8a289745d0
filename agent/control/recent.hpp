#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "agent/outbox/outbox.hpp"

namespace kw::agent {

/// What somebody wants to read of the outbox.
struct RecentEvents {
  std::size_t count = 20;
  std::string device;             ///< of this device alone; empty: of all, and of none
  std::optional<Position> after;  ///< only what was written later
  bool samples = false;           ///< measurements too, of which there are many
};

/// From a request's `{count, device, samples}`. Errc::invalid for what cannot be meant.
Result<RecentEvents> recent_from(const boost::json::object& args);

/// The newest rows that fit one line of the control protocol, oldest first: `event_json` and
/// whether each is `acknowledged`. The outbox's thread.
std::vector<boost::json::object> recent_events(Outbox& outbox, const RecentEvents& wanted);

}  // namespace kw::agent
