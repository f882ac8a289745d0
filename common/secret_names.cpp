#include "common/secret_names.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace kw {
namespace {

constexpr std::array<std::string_view, 7> anywhere{"password", "passwd",    "passphrase", "secret",
                                                   "token",    "community", "credential"};
/// Words that begin others as well: what passed is no secret, and a key may be an object's name.
constexpr std::array<std::string_view, 9> at_the_end{"pass",        "authkey",  "auth_key",
                                                     "privkey",     "priv_key", "privatekey",
                                                     "private_key", "apikey",   "api_key"};

}  // namespace

bool names_a_secret(std::string_view name) {
  std::string lower;
  for (const char c : name) {
    lower += c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return std::ranges::any_of(anywhere, [&](auto word) { return lower.find(word) != lower.npos; }) ||
         std::ranges::any_of(at_the_end, [&](auto word) { return lower.ends_with(word); });
}

}  // namespace kw
