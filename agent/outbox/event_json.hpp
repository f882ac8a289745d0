#pragma once

#include <cstdint>

#include <boost/json/object.hpp>

#include "agent/outbox/record.hpp"

namespace kw::agent {

/// An event or gap as the bundle and kioskctl show it:
/// `{epoch, seq, at, class, …}`, further keys by class; epochs in hex, times in RFC 3339.
boost::json::object event_json(std::uint64_t epoch, const Record& record);

}  // namespace kw::agent
