#pragma once

#include <string_view>

namespace kw {

/// Whether what is called so is a password or the like, in whatever program's spelling: "password",
/// "authPassphrase", "privpass", "Snmp_Community", "api_key". `name`: of a setting, a key or an
/// option; nobody's configuration or log shows its value.
bool names_a_secret(std::string_view name);

}  // namespace kw
