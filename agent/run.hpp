#pragma once

#include <filesystem>
#include <string>

#include "agent/config.hpp"

namespace kw::agent {

/// Runs the agent until the system or its user ends it (platform::stop_signals). `folder` is locked by the caller. Returns the process's
/// exit code; leaves the process itself when a driver is stuck.
int run_agent(const std::filesystem::path& folder, const AgentConfig& config);

}  // namespace kw::agent
