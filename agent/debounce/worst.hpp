#pragma once

#include "common/wire/status.hpp"

namespace kw::agent {

/// `held` with whatever is worse in `seen`: a worse device state, component or consumable replaces,
/// a condition is added. What is no trouble (levels, media that come and go) stays as it was in
/// `held`, so that repeating this with statuses already seen changes nothing. A known identity
/// replaces.
wire::Status worst(wire::Status held, const wire::Status& seen);

}  // namespace kw::agent
