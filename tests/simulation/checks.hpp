#pragma once

#include <filesystem>

#include "tests/simulation/ledger.hpp"

namespace kw::simulation {

/// I1, I2, I4 and what is left of I7, on the collector's database once everything has come to rest.
void check_store(const std::filesystem::path& database, Ledger& ledger, Counters& counters);

}  // namespace kw::simulation
