#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace kw::fleet {

/// What every kiosk of a fleet says that the collector has.
struct Ledger {
  struct Line {
    std::string code;
    std::uint64_t epoch = 0;
    std::uint64_t last = 0;   ///< events written
    std::uint64_t acked = 0;  ///< of them acknowledged
    std::uint32_t chain = 0;  ///< of all events in order: shelf.hpp, `chained`
    std::uint64_t falls = 0;  ///< how often a device became ill
  };
  std::vector<Line> lines;
};

Result<void> save(const Ledger& ledger, const std::filesystem::path& file);
Result<Ledger> load_ledger(const std::filesystem::path& file);

/// A ledger held against what the collector stored.
struct Verdict {
  std::uint64_t events = 0;  ///< found
  std::uint64_t lost = 0;    ///< acknowledged and not there
  std::uint64_t duplicated = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t altered = 0;        ///< kiosks with all their events, but not as written
  std::uint64_t silent_faults = 0;  ///< terminal-silent: nobody was away for so long
  std::uint64_t unfounded = 0;      ///< other faults beyond those that devices had
  std::uint64_t faults = 0;
  std::uint64_t orders = 0;
  bool good(bool silence_expected) const {
    return lost + duplicated + out_of_order + altered + unfounded == 0 &&
           (silence_expected || silent_faults == 0);
  }
};

/// `collector`: its data folder; it may be running.
Result<Verdict> judge(const Ledger& ledger, const std::filesystem::path& collector);

}  // namespace kw::fleet
