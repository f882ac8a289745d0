#include "collector/gateway/registry.hpp"

namespace kw::collector {

const CertificateRow* Registry::find(std::string_view serial) const {
  const auto it = rows_.find(serial);
  return it == rows_.end() ? nullptr : &it->second;
}

void Registry::mark_used(std::string_view serial) {
  const auto it = rows_.find(serial);
  if (it != rows_.end()) it->second.used = true;
}

void Registry::mark_superseded(const std::vector<CertificateRow>& rows) {
  for (const auto& row : rows) {
    const auto it = rows_.find(row.serial);
    if (it != rows_.end()) it->second.superseded_at = row.superseded_at;
  }
}

std::optional<link::Refusal> Registry::admit(const link::PeerCertificate& peer,
                                             WallTime now) const {
  if (!peer.present) return std::nullopt;
  const auto refusal = [&](std::string code, std::string_view why) {
    return link::Refusal{
        std::move(code), "certificate " + peer.serial + " " + std::string{why}, {}};
  };
  if (!peer.chain_ok) return refusal("unknown-certificate", "is of another authority");
  const auto* row = find(peer.serial);
  if (row == nullptr) return refusal("unknown-certificate", "is not on the serial list");
  if (row->revoked) return refusal("revoked", "is revoked: enrol this kiosk again");
  if (row->superseded_at && *row->superseded_at + after_superseded <= now) {
    return refusal("superseded", "was replaced by a newer one of its terminal");
  }
  if (row->terminal_code != peer.common_name) {
    return refusal("wrong-terminal", "names another terminal");
  }
  return std::nullopt;
}

}  // namespace kw::collector
