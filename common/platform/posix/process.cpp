#include "common/platform/process.hpp"

#include <array>
#include <csignal>
#include <cstdlib>

#include <malloc.h>
#include <pthread.h>
#include <sys/stat.h>

namespace kw::platform {

void keep_files_private() { umask(0077); }

void keep_memory_small() {
  mallopt(M_ARENA_MAX, 2);
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
  constexpr std::size_t stack_bytes = 256 * 1024;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
#endif
}

void print_utf8() {}

std::span<const int> stop_signals() {
  static constexpr std::array signals{SIGTERM, SIGINT};
  return signals;
}

std::filesystem::path default_data() { return "/var/lib/kioskwatch"; }
std::filesystem::path default_config() { return "/etc/kioskwatch/agent.toml"; }

std::string user_language() {
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

}  // namespace kw::platform
