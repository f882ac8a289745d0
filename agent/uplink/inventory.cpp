#include "agent/uplink/inventory.hpp"

#include "common/identity/keys.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t hash_bytes = 16;

}  // namespace

pb::Inventory make_inventory(const SessionFacts& facts,
                             const std::map<std::string, wire::Identity>& identities) {
  pb::Inventory out;
  out.set_hostname(facts.hostname);
  out.set_os(facts.os);
  for (const auto& device : facts.devices) {
    auto& to = *out.add_device();
    to.set_device(device.name);
    to.set_driver(device.driver);
    to.set_kind(device.kind);
    to.set_port(device.port);
    to.set_disabled(!device.enabled);
    if (const auto it = identities.find(device.name); it != identities.end()) {
      to.set_vendor(it->second.vendor);
      to.set_model(it->second.model);
      to.set_serial(it->second.serial);
      to.set_firmware(it->second.firmware);
    }
  }
  out.set_hash(identity::sha256(out.SerializeAsString()).substr(0, hash_bytes));
  return out;
}

}  // namespace kw::agent
