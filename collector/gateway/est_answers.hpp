#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/accounts/authority_files.hpp"
#include "common/identity/authority.hpp"
#include "common/link/http.hpp"

/// What the EST paths answer: JSON, not PKCS#7.
namespace kw::collector::est {

/// RFC 9457 with a stable code; with `retry_after` also as header and in milliseconds.
link::HttpResponse problem(int status, std::string_view code, std::string detail,
                           std::optional<Duration> retry_after = std::nullopt);
/// 202 of RFC 7030, section 4.2.3: {fingerprint, retry_after_ms}.
link::HttpResponse accepted(std::string_view key_sha256, Duration retry_after);
/// {terminal, certificate_chain_pem, ca_pem}.
link::HttpResponse certificate(const std::string& terminal, const identity::Issued& issued,
                               const AuthorityFiles& authority);

/// The address without the port.
std::string address_of(const std::string& remote);

}  // namespace kw::collector::est
