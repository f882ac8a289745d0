#pragma once

#include "common/platform/port.hpp"

namespace kw::drivers {

/// What a driver speaks over; the system's kinds of it live with the platform.
using platform::Port;

}  // namespace kw::drivers
