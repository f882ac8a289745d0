#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "common/bilingual.hpp"
#include "common/result.hpp"

namespace kw::drivers {

using SnmpOptions = std::map<std::string, std::string, std::less<>>;

/// Who asks an agent by SNMPv3, and how it is proved and hidden (RFC 3414, the user-based security
/// model). Passphrases are not in it.
struct SnmpUser {
  enum class Level : std::uint8_t { no_auth_no_priv, auth_no_priv, auth_priv };

  std::string name;
  Level level = Level::auth_priv;
  std::string auth;     ///< "SHA", "SHA-224" … "SHA-512" (RFC 3414, RFC 7860); empty: none
  std::string privacy;  ///< "AES" (RFC 3826), "DES" (RFC 3414); empty: none
  std::string context;  ///< which of the agent's collections of objects; mostly empty
  std::string secrets;  ///< the file that the passphrases are in; empty: none are needed
};

/// A user's passphrases; wiped when they go.
struct SnmpSecrets {
  std::string auth;
  std::string privacy;

  SnmpSecrets() = default;
  SnmpSecrets(SnmpSecrets&&) = default;
  SnmpSecrets& operator=(SnmpSecrets&&) = delete;
  ~SnmpSecrets();
};

/// Checks the options of an `snmp:` port and fills in what is missing among them; what is wrong, or
/// nothing. `v3_built_in`: whether this program can speak SNMPv3.
std::optional<Bilingual> complete_snmp_options(SnmpOptions& options, bool v3_built_in);

/// Of complete options with version=3.
SnmpUser snmp_user(const SnmpOptions& options);

/// What stands in a file of passphrases: lines "auth=…" and "privacy=…", each as far as the level
/// needs it; empty lines and those that begin with '#' are left alone. Errc::invalid never tells
/// what stands there.
Result<SnmpSecrets> parse_snmp_secrets(std::string_view text, SnmpUser::Level level);

/// Reads the user's file of passphrases. Errc::missing: there is none; Errc::refused: it is not for
/// us to read, or others may read it too; Errc::invalid: not as parse_snmp_secrets wants it.
Result<SnmpSecrets> read_snmp_secrets(const SnmpUser& user);

}  // namespace kw::drivers
