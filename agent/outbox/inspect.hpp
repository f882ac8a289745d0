#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace kw::agent {

/// What is wrong with an outbox file, and where.
struct OutboxDamage {
  enum class What {
    pages,   ///< SQLite's own check: `detail` is its first complaint
    record,  ///< a row whose check is wrong
    hole,    ///< numbers that stand in no row although rows before and after are there
    tail,    ///< the last numbers of an epoch stand in no row
    marks,   ///< acknowledged is more than was ever written
    device,  ///< a device's state whose check is wrong
    supply,  ///< a consumable's row whose check is wrong
    size,    ///< more bytes on disk than the ceiling
  };
  What what = What::pages;
  std::uint64_t epoch = 0;  ///< of record, hole, tail, marks
  std::uint64_t first = 0;  ///< the first number concerned; of size: bytes
  std::uint64_t count = 0;  ///< how many numbers; of size: the ceiling
  std::string detail;       ///< name of a device or consumable, SQLite's words
};

struct OutboxInspection {
  struct Epoch {
    std::uint64_t epoch = 0;
    std::uint64_t first_kept = 0;  ///< last + 1 when none is
    std::uint64_t acked = 0;
    std::uint64_t last = 0;
    std::uint64_t events = 0;
  };
  std::vector<Epoch> epochs;                  ///< in the order in which they were drawn
  std::map<std::string, std::uint64_t> gaps;  ///< numbers dropped and said so, by reason
  std::int64_t bytes = 0;                     ///< database, log and index on disk
  std::int64_t ceiling = 0;
  std::vector<std::string> put_aside;  ///< older files that were damaged or newer
  std::vector<OutboxDamage> damage;    ///< at most a hundred
};

/// Reads the outbox in `folder` as it stands, beside a running agent or without one, and changes
/// nothing. Errc::missing without a file, Errc::refused and Errc::storage when it cannot be read
/// at all. Any thread.
Result<OutboxInspection> inspect_outbox(const std::filesystem::path& folder, std::int64_t ceiling);

}  // namespace kw::agent
