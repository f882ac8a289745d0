#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/result.hpp"
#include "tests/torture/ledger.hpp"

namespace kw::torture {

/// Every row that a group's commit writes, of all tables, as far as it must stay as it is.
Ledger::Rows store_rows(const std::filesystem::path& file);

/// Number and event of one stream as its terminal's history shows them, in the order stored.
Result<std::vector<std::pair<std::uint64_t, std::string>>> stored_events(
    const std::filesystem::path& file, const std::string& terminal, std::uint64_t epoch);

struct FaultCounts {
  std::int64_t faults = 0;
  std::int64_t orders = 0;
  std::int64_t ordered = 0;  ///< faults that have an order of their own
};
FaultCounts fault_counts(const std::filesystem::path& file);

/// The id of the oldest order that is dispatched; empty without one.
std::string oldest_order(const std::filesystem::path& file);

/// What SQLite's own check finds, or nothing.
std::optional<std::string> damage(const std::filesystem::path& file);

/// What the collector does by itself once the log has grown, and a backup does too.
void checkpoint(const std::filesystem::path& file);

}  // namespace kw::torture
