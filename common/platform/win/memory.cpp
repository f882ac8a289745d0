#include "common/platform/memory.hpp"

namespace kw::platform {

// The system trims working sets by itself.
void forget_startup() {}

}  // namespace kw::platform
