#include "agent/ctl/stop_flag.hpp"

#include <csignal>

#include "common/platform/process.hpp"

namespace kw::agent::ctl {

std::atomic<bool>& stop_flag() {
  static std::atomic<bool> flag{false};
  static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal handler");
  return flag;
}

void watch_for_stop() {
  stop_flag() = false;
  for (const int number : platform::stop_signals()) {
    std::signal(number, [](int) { stop_flag() = true; });
  }
}

}  // namespace kw::agent::ctl
