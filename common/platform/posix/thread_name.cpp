#include "common/platform/thread_name.hpp"

#include <pthread.h>

namespace kw::platform {

void name_this_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace kw::platform
