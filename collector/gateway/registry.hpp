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

  /// Asked after every handshake, resumed or not: dates, issuer, serial list, terminal. No
  /// certificate at all is well here: such a peer may only enrol. An expired one may only renew.
  std::optional<link::Refusal> admit(const link::PeerCertificate& peer) const;

  /// The row of a peer that `admit` let in with a certificate.
  const CertificateRow* find(std::string_view serial) const;

 private:
  std::map<std::string, CertificateRow, std::less<>> rows_;
};

}  // namespace kw::collector
