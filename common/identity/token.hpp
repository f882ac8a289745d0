#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace kw::identity {

/// What lets a kiosk enrol once: a secret, and the collector's CA so that the very first connection
/// is pinned. Written as "kw1-" and 11 groups of 8 letters and digits; case, blanks and the usual
/// mix-ups (0 and O, 1 and I, 8 and B) do not matter, and a typing error is told from a wrong
/// token.
struct Token {
  std::string secret;      ///< 20 random bytes
  std::string pin_sha256;  ///< lower-case hex SHA-256 of the CA certificate (DER)

  /// A fresh secret. Errc::invalid unless the pin is 64 hex digits.
  static Result<Token> make(std::string_view pin_sha256);
  /// Errc::invalid with what is wrong: prefix, length, letter, check sum.
  static Result<Token> parse(std::string_view text);
  std::string text() const;
  /// The secret alone as it travels to the collector (base32, 32 characters).
  std::string bearer() const;
  /// What the collector stores: lower-case hex SHA-256 of the secret.
  std::string hash() const;
};

/// The stored hash of a secret that a kiosk presented as Token::bearer.
Result<std::string> hash_of_bearer(std::string_view bearer);

}  // namespace kw::identity
