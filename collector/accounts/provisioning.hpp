#pragma once

#include <chrono>
#include <string_view>

#include "collector/accounts/authorize.hpp"
#include "collector/store/identity_book.hpp"
#include "collector/writer/writer.hpp"
#include "common/result.hpp"

namespace kw::collector {

// Kiosks that knock without a token 待准入终端. All of it runs inside a write. One person's
// approval is enough until accounts come; then a second person confirms it.

struct ProvisioningLimits {
  std::int64_t entries = 1'000;
  std::int64_t per_address = 16;
  Duration retry_after = std::chrono::seconds{30};  ///< until the next knock
  Duration approval = std::chrono::hours{72};       ///< how long an approval may be used
};

/// A kiosk holding the key knocks from an address: its row, made or brought up to date.
/// Errc::busy: too many wait from this address. When the list is full, the entry that was heard of
/// longest ago and is not approved makes room. What kiosks say is cut to limits and rid of
/// everything that is not plain text.
Result<ProvisioningRow> knock(Work& work, std::string_view key_sha256, const KioskFacts& facts,
                              std::string_view address, const ProvisioningLimits& limits);

/// Lets the holder of the entry's key, and nobody else, have a certificate for the terminal, which
/// is made when it is new. Errc::missing: no such entry; Errc::refused: decided already, or no
/// terminal code.
Result<ProvisioningRow> approve(Work& work, const Subject& subject, std::string_view id,
                                std::string_view terminal_code);
Result<ProvisioningRow> reject(Work& work, const Subject& subject, std::string_view id);

/// The certificate that the approved row's key got is recorded. Errc::refused: not approved (any
/// more).
Result<CertificateRow> record_issue(Work& work, std::string_view id, std::string_view address,
                                    const std::string& serial, WallTime not_after);

}  // namespace kw::collector
