#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/identity/authority.hpp"
#include "common/link/tls.hpp"

namespace kw::collector {

/// The built-in CA as it stands in the data folder: ca/root.pem and .key, ca/issuer.pem and .key,
/// server.pem and .key. Keys are 0600.
class AuthorityFiles {
 public:
  /// Makes all of it new. Errc::refused when there is one already.
  static Result<void> create(const std::filesystem::path& data,
                             const std::vector<std::string>& names, const Clock& clock);
  /// Reads it; a server certificate with less than 30 days left, or of another key (the power went
  /// during a renewal), is made anew for the same names. Errc::invalid: a file is damaged.
  /// Errc::missing tells to run `init`.
  static Result<AuthorityFiles> load(const std::filesystem::path& data, const Clock& clock);

  const identity::Signer& issuer() const { return issuer_; }
  /// Root and issuing certificate: what kiosks trust, and what signs kiosks' certificates.
  const std::string& trust_pem() const { return trust_pem_; }
  const std::string& issuer_pem() const { return issuer_.certificate_pem; }
  /// Lower-case hex SHA-256 of the root certificate: what tokens pin.
  const std::string& pin() const { return pin_; }
  const link::Credentials& server() const { return server_; }

 private:
  identity::Signer issuer_;
  std::string trust_pem_;
  std::string pin_;
  link::Credentials server_;
};

}  // namespace kw::collector
