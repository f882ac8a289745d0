#include "agent/wiring.hpp"

#include <algorithm>

#include "agent/bundle/mask.hpp"
#include "common/identity/random.hpp"

namespace kw::agent {
namespace {

std::uint64_t fresh_epoch() {
  for (;;) {
    const auto drawn = identity::random_u64();
    if (drawn != 0) return drawn;
  }
}

}  // namespace

std::unique_ptr<Outbox> make_outbox(const std::filesystem::path& data, const AgentConfig& config,
                                    const Clock& clock, const std::string& boot_id) {
  Outbox::Options options;
  options.folder = data;
  options.ceiling = config.outbox_bytes;
  options.acked_bytes = std::min(options.acked_bytes, config.outbox_bytes / 4);
  options.reserve = std::min(options.reserve, config.outbox_bytes / 4);
  return std::make_unique<Outbox>(options, clock, boot_id, fresh_epoch());
}

SessionFacts facts_of(const InForce& in_force, bool local_only, const platform::HostFacts& host) {
  const auto& config = *in_force.config;
  SessionFacts out;
  out.boot_id = host.boot_id;
  out.agent_version = KW_VERSION;
  out.hostname = host.hostname;
  out.os = host.os;
  out.configuration_hash = in_force.hash;
  out.configuration_local = local_only;
  out.configuration_known = config.readable;
  for (const auto& device : config.devices) {
    std::string kind;
    if (device.card != nullptr) kind = drivers::kind_of(*device.card, device.settings).name;
    out.devices.push_back(
        {device.name, device.driver, std::move(kind), mask_line(device.port), device.enabled});
  }
  return out;
}

Uplink::Options uplink_options(const std::filesystem::path& data, const AgentConfig& config) {
  Uplink::Options out;
  out.folder = data;
  out.session.heartbeat = config.heartbeat;
  out.session.reply_limit = config.reply_limit;
  out.backoff.first = config.reconnect_first;
  out.backoff.cap = config.reconnect_cap;
  out.backoff.spread = config.reconnect_spread;
  out.collectors = config.collectors;
  out.proxy = config.proxy;
  out.seed = identity::random_u64();
  return out;
}

std::vector<std::string> device_names(const AgentConfig& config) {
  std::vector<std::string> out;
  for (const auto& device : config.devices) out.push_back(device.name);
  return out;
}

std::vector<SuppliedDevice> supplied_devices(const AgentConfig& config) {
  std::vector<SuppliedDevice> out;
  for (const auto& device : config.devices) {
    out.push_back({device.name, device.enabled, device.consumables});
  }
  return out;
}

}  // namespace kw::agent
