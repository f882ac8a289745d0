#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/config.hpp"
#include "common/link/tls.hpp"

namespace kw::agent {

/// `[assistant]` of agent.toml. Without `listen` the data assistant is off.
struct AssistantSettings {
  bool on = false;
  link::Endpoint listen;   ///< a loopback address
  std::string token_file;  ///< UTF-8, absolute
  std::string readers;     ///< group (Windows: account or group) that may read the token file
  std::vector<std::string> origins;  ///< of pages whose scripts may ask: "http://localhost:8080"
  std::uint32_t events_per_s = 10;   ///< in the long run; ten seconds' worth at once
  Duration session_timeout = std::chrono::minutes{10};  ///< without a word of an open session
};

/// Whether the two are served by one listener in the same way.
bool same(const AssistantSettings& a, const AssistantSettings& b);

/// "127.0.0.1", "::1" and the like, or "localhost".
bool is_loopback(const std::string& host);

/// An origin as browsers write it: scheme, host and port, nothing after them.
bool valid_origin(const std::string& origin);

/// With a mistake in it the assistant is off.
AssistantSettings read_assistant(config::Reader reader);

}  // namespace kw::agent
