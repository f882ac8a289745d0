#include "collector/gateway/registry.hpp"

namespace kw::collector {

const CertificateRow* Registry::find(std::string_view serial) const {
  const auto it = rows_.find(serial);
  return it == rows_.end() ? nullptr : &it->second;
}

std::optional<link::Refusal> Registry::admit(const link::PeerCertificate& peer) const {
  if (!peer.present) return std::nullopt;
  const auto refusal = [&](std::string code, std::string_view why) {
    return link::Refusal{
        std::move(code), "certificate " + peer.serial + " " + std::string{why}, {}};
  };
  if (!peer.chain_ok) return refusal("unknown-certificate", "is of another authority");
  const auto* row = find(peer.serial);
  if (row == nullptr) return refusal("unknown-certificate", "is not on the serial list");
  if (row->revoked) return refusal("revoked", "is revoked: enrol this kiosk again");
  if (row->terminal_code != peer.common_name) {
    return refusal("wrong-terminal", "names another terminal");
  }
  return std::nullopt;
}

}  // namespace kw::collector
