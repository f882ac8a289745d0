#include "common/platform/signals.hpp"

#include <windows.h>

namespace kw::platform {

/// There is no such signal. What would else stop the process is a box that asks somebody to put a
/// disk in.
void ignore_sigpipe() {
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
}

}  // namespace kw::platform
