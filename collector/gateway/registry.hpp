#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/store/store.hpp"
#include "common/link/link.hpp"

namespace kw::collector {

/// The serial list in memory: which certificate is which terminal's, and which is revoked. Filled
/// from the store at start and after each commit that changes it. io thread only.
class Registry {
 public:
  void put(const CertificateRow& row) { rows_[row.serial] = row; }
  void put(const std::vector<CertificateRow>& rows) {
    for (const auto& row : rows) put(row);
  }

  /// How long a certificate still serves once a newer one of its terminal has been used: a kiosk
  /// that lost power while it put the new one in place comes with the old one once more.
  static constexpr Duration after_superseded = std::chrono::hours{24};

  /// Asked after every handshake, resumed or not: dates, issuer, serial list, terminal. No
  /// certificate at all is well here: such a peer may only enrol. An expired one may only renew.
  std::optional<link::Refusal> admit(const link::PeerCertificate& peer, WallTime now) const;

  /// A session stood on the certificate.
  void mark_used(std::string_view serial);
  void mark_superseded(const std::vector<CertificateRow>& rows);

  /// The row of a peer that `admit` let in with a certificate.
  const CertificateRow* find(std::string_view serial) const;

 private:
  std::map<std::string, CertificateRow, std::less<>> rows_;
};

}  // namespace kw::collector
