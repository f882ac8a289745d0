#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "collector/accounts/authority_files.hpp"
#include "tests/simulation/counters.hpp"

namespace kw::simulation {

/// What every seed of a run has in common.
struct Setting {
  std::filesystem::path folder;    ///< in memory, if there is such a one
  std::filesystem::path identity;  ///< a kiosk's enrolled identity
  const collector::AuthorityFiles& authority;
  int max_days = 30;
  std::string sabotage;  ///< empty: none
  bool trace = false;
};

/// Names of what can be sabotaged, for --sabotage.
bool is_sabotage(const std::string& name);
std::string sabotages();

/// Plays one seed from the first start to the last check. Returns what was violated, or nothing.
std::string play(std::uint64_t seed, const Setting& setting, Counters& counters);

}  // namespace kw::simulation
