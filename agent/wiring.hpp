#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "agent/configuration/rules.hpp"
#include "agent/outbox/outbox.hpp"
#include "agent/uplink/uplink.hpp"
#include "common/platform/host_facts.hpp"

// What the parts of the agent are given out of a configuration.
namespace kw::agent {

/// Opens the outbox with this configuration's storage settings and begins a new epoch.
std::unique_ptr<Outbox> make_outbox(const std::filesystem::path& data, const AgentConfig& config,
                                    const Clock& clock, const std::string& boot_id);

/// `local_only`: this kiosk takes no pushed configuration.
SessionFacts facts_of(const InForce& in_force, bool local_only, const platform::HostFacts& host);

Uplink::Options uplink_options(const std::filesystem::path& data, const AgentConfig& config);

std::vector<std::string> device_names(const AgentConfig& config);

std::vector<SuppliedDevice> supplied_devices(const AgentConfig& config);

}  // namespace kw::agent
