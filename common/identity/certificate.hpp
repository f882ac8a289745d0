#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::identity {

/// What a certificate says, without judging it.
struct Certificate {
  std::string serial;  ///< upper-case hex
  std::string common_name;
  std::string uri;  ///< first subjectAltName URI
  std::string issuer;
  WallTime not_before{};
  WallTime not_after{};
  bool is_ca = false;
  std::string der;

  /// From the first certificate of a PEM text, or from DER.
  static Result<Certificate> parse(std::string_view pem_or_der);
  /// Lower-case hex SHA-256 of the DER: what a pin names.
  std::string sha256() const;
  std::string pem() const;
};

/// Every certificate of a PEM text in order; Errc::invalid when there is none or one is broken.
Result<std::vector<Certificate>> parse_chain(std::string_view pem);

/// Why `pem` (a certificate, then its intermediates) does not lead to one of the `trust_pem`
/// certificates at `now`; ok when it does. No host name is checked.
Result<void> verify_chain(std::string_view pem, std::string_view trust_pem, WallTime now);

/// Whether the key belongs to the certificate.
Result<void> match_key(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace kw::identity
