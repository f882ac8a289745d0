#pragma once

namespace kw::platform {

/// Names the calling thread for whoever looks at the process (top -H, a debugger). At most 15 bytes.
void name_this_thread(const char* name);

}  // namespace kw::platform
