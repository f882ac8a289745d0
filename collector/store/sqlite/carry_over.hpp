#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/result.hpp"

namespace kw::collector {

/// What a store that is about to be replaced knows and no kiosk can send again.
struct CarriedOver {
  std::int64_t audits = 0;
  std::int64_t terminals = 0;
  std::int64_t certificates = 0;  ///< issued, used or revoked since
  std::int64_t commands = 0;
};

/// Brings into `into`, a backup that will take the place of `from`, what came after it and lives on
/// the collector alone: the audit, terminals and who may speak for them (a revocation must not be
/// undone by a backup), pushed configurations, commands, maintenance
/// and the numbers that orders have had.
/// Events, states, faults and orders come from the kiosks and from the backup. Both files are
/// stores of this program's schema and one continues the other, else Errc::refused; nobody else has
/// them open. On an error `into` is as it was.
Result<CarriedOver> carry_over(const std::filesystem::path& from,
                               const std::filesystem::path& into);

}  // namespace kw::collector
