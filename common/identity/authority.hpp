#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

/// The built-in certificate authority as pure functions, PEM in and PEM out. Storing keys, serial
/// lists and who approved is the collector's.
namespace kw::identity {

inline constexpr Duration day = std::chrono::hours{24};
inline constexpr Duration kiosk_life = 90 * day;
inline constexpr Duration server_life = 397 * day;
/// Kiosks' clocks are slow or fast: a certificate is valid from this long before it was made.
inline constexpr Duration back_dated = day;

struct Signer {
  std::string certificate_pem;
  std::string key_pem;
};

struct Issued {
  std::string certificate_pem;
  std::string serial;  ///< 32 upper-case hex digits at most, as PeerCertificate::serial has it
  WallTime not_before{};
  WallTime not_after{};
};

/// Offline root: P-384, 20 years.
Result<Signer> make_root(const std::string& name, WallTime now);
/// Online issuing authority under the root: P-256, 10 years, may sign no further authority.
Result<Signer> make_issuer(const Signer& root, const std::string& name, WallTime now);

/// What is left of a request once its subject and extensions are ignored.
struct CheckedRequest {
  std::string public_key_sha256;  ///< lower-case hex over the SubjectPublicKeyInfo
  std::string csr_pem;
};
/// PEM, DER or base64 of DER (EST). Errc::refused: the signature does not prove possession of the
/// key, or the key is not P-256 or P-384.
Result<CheckedRequest> check_request(std::string_view csr);

/// "spiffe://kioskwatch/agent/<code>", the code percent-encoded.
std::string agent_uri(std::string_view terminal_code);
/// The terminal code in such a URI; Errc::invalid for any other.
Result<std::string> code_of_agent_uri(std::string_view uri);

/// A kiosk's certificate: client authentication only. `terminal_code`: 1 to 64 bytes of UTF-8.
Result<Issued> sign_kiosk(const Signer& issuer, std::string_view csr,
                          const std::string& terminal_code, WallTime now,
                          Duration life = kiosk_life);

/// A server's certificate for DNS names and IP addresses: server authentication only.
Result<Issued> sign_server(const Signer& issuer, std::string_view csr,
                           const std::vector<std::string>& names, WallTime now,
                           Duration life = server_life);

}  // namespace kw::identity
