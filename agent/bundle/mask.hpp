#pragma once

#include <string>
#include <string_view>

namespace kw::agent {

/// A configuration's text as it may leave the kiosk: same lines, same keys; the value of every key
/// whose name speaks of a password, secret, token, community or passphrase is "***", also in
/// comments, and so are credentials inside addresses. Works on text that is not valid TOML too.
std::string mask_configuration(std::string_view toml);

/// "http://user:password@proxy" → "http://***@proxy", wherever it stands in a line; enrolment
/// tokens → "***", and so is the value of what is called as a secret is (names_a_secret), as an
/// address's option, as NAME=VALUE or in JSON; where a secret's file is stays.
std::string mask_line(std::string_view line);

}  // namespace kw::agent
