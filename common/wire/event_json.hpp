#pragma once

#include <boost/json/object.hpp>

#include "wire/kioskwatch.pb.h"

namespace kw::wire {

/// Adds what an event's body says, in words; nothing for a body that this version does not know.
void add_event(boost::json::object& out, const pb::Event& event);

}  // namespace kw::wire
