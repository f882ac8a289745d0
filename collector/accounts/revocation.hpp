#pragma once

#include <string_view>
#include <vector>

#include "collector/accounts/authorize.hpp"
#include "collector/writer/writer.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// Withdraws a terminal's certificates, or the one with `serial` only. With all of them go its
/// unused tokens and approvals. Returns the rows as they are now, empty when all were revoked
/// before; after the commit the serial list must learn them, so that live sessions end. Runs inside
/// a write. Errc::missing: no such terminal, or no such certificate of it.
Result<std::vector<CertificateRow>> revoke(Work& work, const Subject& subject,
                                           std::string_view terminal_code, std::string_view serial,
                                           std::string_view reason);

}  // namespace kw::collector
