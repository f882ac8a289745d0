#include "common/platform/thread_name.hpp"

namespace kw::platform {

// No tool on a kiosk shows thread names there.
void name_this_thread(const char* /*name*/) {}

}  // namespace kw::platform
