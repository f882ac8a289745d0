#pragma once

#include <filesystem>

namespace kw::agent {

/// Runs the agent until the system or its user ends it (platform::stop_signals), with the kiosk's
/// own configuration file or what the collector pushed. The folder `data` is locked by the caller.
/// Returns the process's exit code; leaves the process itself when a driver is stuck.
int run_agent(const std::filesystem::path& data, const std::filesystem::path& own_file);

}  // namespace kw::agent
