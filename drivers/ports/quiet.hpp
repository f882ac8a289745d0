#pragma once

#include "common/result.hpp"
#include "drivers/port.hpp"

namespace kw::drivers {

/// Listens, and throws away what it hears, until nothing has come for `silence`. After a missed or
/// garbled answer the next byte may belong to any question; when it returns, none is on its way.
/// Errc::garbled: the line is never quiet; Errc::timeout: `deadline` comes before the end of a
/// silence; else the port's error.
Result<void> wait_until_quiet(Port& port, Duration silence, MonoTime deadline);

}  // namespace kw::drivers
