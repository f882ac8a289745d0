#include "collector/gateway/registry.hpp"

namespace kw::collector {

const CertificateRow* Registry::find(std::string_view serial) const {
  const auto it = rows_.find(serial);
  return it == rows_.end() ? nullptr : &it->second;
}

Result<void> Registry::admit(const link::PeerCertificate& peer) const {
  if (!peer.present) return {};
  if (!peer.chain_ok) return Error{Errc::refused, "certificate of another authority"};
  const auto* row = find(peer.serial);
  if (row == nullptr) {
    return Error{Errc::refused, "certificate " + peer.serial + " is not on the serial list"};
  }
  if (row->revoked) return Error{Errc::refused, "certificate " + peer.serial + " is revoked"};
  if (row->terminal_code != peer.common_name) {
    return Error{Errc::refused, "certificate " + peer.serial + " names another terminal"};
  }
  return {};
}

}  // namespace kw::collector
