#pragma once

#include <boost/json/object.hpp>

#include "agent/outbox/journal.hpp"
#include "agent/uplink/uplink.hpp"
#include "common/task.hpp"

namespace kw::agent {

/// Whether the collector stores: writes a note "link-check" into the outbox, which harms nobody,
/// and waits at most `limit` until it is acknowledged, which is said only of what is committed.
/// `{acknowledged, written, took_ms, phase, last_error, unacknowledged}`. io thread.
Task<boost::json::object> prove(Journal& journal, Uplink& uplink, const Clock& clock,
                                Duration limit);

}  // namespace kw::agent
