#include "common/platform/signals.hpp"

#include <csignal>

namespace kw::platform {

void ignore_sigpipe() {
  struct sigaction action{};
  action.sa_handler = SIG_IGN;  // NOLINT: the system's own macro
  sigaction(SIGPIPE, &action, nullptr);
}

}  // namespace kw::platform
