#pragma once

#include <memory>

#include "common/result.hpp"
#include "drivers/ports/open.hpp"

namespace kw::drivers {

// One opener a transport; open_port chooses.

Result<std::unique_ptr<Port>> open_serial(const PortAddress& address, const Clock& clock);
Result<std::unique_ptr<Port>> open_tcp(const PortAddress& address, const Clock& clock,
                                       MonoTime deadline);

}  // namespace kw::drivers
