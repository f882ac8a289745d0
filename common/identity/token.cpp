#include "common/identity/token.hpp"

#include <cstdint>

#include "common/identity/keys.hpp"
#include "common/identity/random.hpp"

namespace kw::identity {
namespace {

constexpr std::string_view prefix = "kw1";
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::size_t secret_size = 20;
constexpr std::size_t pin_size = 32;
constexpr std::size_t check_size = 3;  // 24 bits: one typing error in 16 million goes unseen
constexpr std::size_t group = 8;

std::string base32(std::string_view bytes) {
  std::string text;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    held += 8;
    while (held >= 5) {
      held -= 5;
      text += alphabet[bits >> held & 31];
    }
  }
  if (held > 0) text += alphabet[bits << (5 - held) & 31];
  return text;
}

/// The letter that was meant; 0 when there is none.
char meant(char c) {
  if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  if (c == '0') return 'O';
  if (c == '1') return 'I';
  if (c == '8') return 'B';
  return alphabet.find(c) == std::string_view::npos ? '\0' : c;
}

/// Letters and digits only, blanks and hyphens dropped.
std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '-' && c != '\t' && c != '\r' && c != '\n') out += c;
  }
  return out;
}

Result<std::string> from_base32(std::string_view text) {
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const char letter = meant(c);
    if (letter == '\0') {
      return Error{Errc::invalid, "the token has a character that no token has"};
    }
    bits = bits << 5 | static_cast<std::uint32_t>(alphabet.find(letter));
    held += 5;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 255);
    }
  }
  return bytes;
}

std::string check_of(std::string_view body) {
  return sha256(std::string{prefix}.append(body)).substr(0, check_size);
}

}  // namespace

Result<Token> Token::make(std::string_view pin_sha256) {
  auto pin = from_hex(pin_sha256);
  if (!pin || pin->size() != pin_size) {
    return Error{Errc::invalid, "the CA's SHA-256 is not 64 hex digits"};
  }
  return Token{random_bytes(secret_size), to_hex(*pin)};
}

Result<Token> Token::parse(std::string_view text) {
  const auto plain = squeezed(text);
  const bool marked = plain.size() >= prefix.size() && (plain[0] == 'k' || plain[0] == 'K') &&
                      (plain[1] == 'w' || plain[1] == 'W') &&
                      (plain[2] == '1' || plain[2] == 'l' || plain[2] == 'I');
  if (!marked) return Error{Errc::invalid, "a token begins with \"kw1-\""};
  constexpr std::size_t wanted = (secret_size + pin_size + check_size) * 8 / 5;
  const auto body_text = std::string_view{plain}.substr(prefix.size());
  if (body_text.size() != wanted) {
    return Error{Errc::invalid, "a token has " + std::to_string(wanted) +
                                    " characters after \"kw1-\", this one has " +
                                    std::to_string(body_text.size())};
  }
  auto bytes = from_base32(body_text);
  if (!bytes) return std::move(bytes).error();
  const auto body = std::string_view{*bytes}.substr(0, secret_size + pin_size);
  const auto check = std::string_view{*bytes}.substr(secret_size + pin_size);
  if (check != check_of(body)) {
    return Error{Errc::invalid, "the token's check sum is wrong: look for a typing error"};
  }
  return Token{std::string{body.substr(0, secret_size)}, to_hex(body.substr(secret_size))};
}

std::string Token::text() const {
  auto body = secret;
  auto pin = from_hex(pin_sha256);
  if (pin) body += *pin;
  body += check_of(body);
  const auto letters = base32(body);
  std::string text{prefix};
  for (std::size_t i = 0; i < letters.size(); i += group) {
    text.append("-").append(letters, i, group);
  }
  wipe(body);
  return text;
}

std::string Token::bearer() const { return base32(secret); }
std::string Token::hash() const { return sha256_hex(secret); }

Result<std::string> hash_of_bearer(std::string_view bearer) {
  auto secret = from_base32(squeezed(bearer));
  if (!secret) return std::move(secret).error();
  if (secret->size() != secret_size) return Error{Errc::invalid, "not a token's secret"};
  auto hash = sha256_hex(*secret);
  wipe(*secret);
  return hash;
}

}  // namespace kw::identity
