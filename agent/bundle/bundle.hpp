#pragma once

#include <cstddef>
#include <string>

#include "agent/outbox/journal.hpp"
#include "common/clock.hpp"
#include "common/platform/control_server.hpp"
#include "common/task.hpp"

namespace kw::agent {

/// What a support bundle is made of. What is referred to outlives the composing.
struct BundleSources {
  platform::ControlServer::Answer ask;  ///< the agent's own verbs
  Journal& journal;
  const Clock& clock;
  std::string configuration;  ///< agent.toml in force as text, secrets included
};

/// A bundle is never longer: the collector takes no more.
inline constexpr std::size_t bundle_limit = 4 * 1024 * 1024;

/// One JSON document for whoever helps from afar: `{bundle: "kioskwatch-agent", version: 1,
/// made_at, status, devices, outbox, configuration, log[], events[]}`. Passwords, tokens and proxy
/// credentials are masked; of cards and citizens there is nothing in it, since no event holds any.
/// Written piece by piece into one string of at most `bundle_limit` bytes. io thread.
Task<std::string> compose_bundle(BundleSources from);

}  // namespace kw::agent
