#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// What is in a store, and what is wrong with it.
struct StoreFacts {
  int schema = 0;  ///< before it was brought up to this program's
  std::int64_t terminals = 0;
  std::int64_t devices = 0;
  std::int64_t blocks = 0;
  std::int64_t events = 0;  ///< numbers that the blocks cover, gaps included
  std::int64_t faults = 0;
  std::int64_t orders = 0;
  std::int64_t audits = 0;
  std::optional<WallTime> newest_event;
  std::vector<std::string> wrong;  ///< empty: sound
};

/// Counts and the newest event of a store, without judging it.
Result<StoreFacts> store_facts(const std::filesystem::path& file);

/// Really opens the store, as the collector would, and reads all of it: pages and indexes,
/// references between tables, every block with its checksum and its numbers, the marks, every
/// terminal's board, the audit. The file is brought up to this program's schema and is one file
/// without a log afterwards: give it a copy. Errors are of files that are no store of ours
/// (Errc::garbled), of a later version (Errc::unsupported), or that cannot be read at all;
/// everything else wrong is told in `wrong`, at most some twenty findings.
Result<StoreFacts> inspect_store(const std::filesystem::path& file, const Clock& clock);

}  // namespace kw::collector
