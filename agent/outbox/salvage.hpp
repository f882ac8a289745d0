#pragma once

#include <cstdint>
#include <filesystem>

#include "common/clock.hpp"
#include "common/db/database.hpp"
#include "common/result.hpp"

namespace kw::agent {

struct Salvaged {
  std::uint64_t kept = 0;  ///< rows copied
  std::uint64_t lost = 0;  ///< event numbers that became a gap "damaged"
};

/// Copies every row that can be read and whose checksum holds from a damaged outbox into a fresh
/// one, its identity unchanged; what is missing between becomes a gap in place. Ends by `until`
/// with what it has. An Error when the file cannot be opened at all: nothing is known of it then.
Result<Salvaged> salvage(const std::filesystem::path& damaged, db::Database& into,
                         const Clock& clock, MonoTime until);

}  // namespace kw::agent
