#pragma once

#include <string>
#include <string_view>

#include "common/result.hpp"

namespace kw::identity {

/// A fresh P-256 key as PKCS#8 PEM. The caller keeps it in a 0600 file.
Result<std::string> make_key();

/// A PKCS#10 request for the key, PEM. The name is a courtesy: the authority writes its own.
Result<std::string> make_csr(const std::string& key_pem, const std::string& common_name);

/// The body of a PEM block as DER, and back; `label` as in "CERTIFICATE REQUEST".
Result<std::string> der_from_pem(std::string_view pem);
std::string pem_from_der(std::string_view der, std::string_view label);

/// Lower-case hex of the SHA-256 of the bytes.
std::string sha256_hex(std::string_view bytes);
/// A hash as people compare it on two screens: groups of four hex digits with '-' between.
std::string fingerprint(std::string_view hex);
/// The raw 32 bytes.
std::string sha256(std::string_view bytes);
std::string to_hex(std::string_view bytes);
/// Errc::invalid for an odd length or another digit. Both cases are read.
Result<std::string> from_hex(std::string_view hex);

/// Wipes a secret's memory in a way that the compiler does not optimise away.
void wipe(std::string& secret);

}  // namespace kw::identity
