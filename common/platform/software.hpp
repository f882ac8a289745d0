#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::platform {

/// One process of this machine, as far as it lets itself be seen.
struct RunningProcess {
  std::uint64_t id = 0;
  /// The program's file. Where another account's may not be seen: what it calls itself.
  std::string program;
  std::uint64_t started = 0;            ///< tells two processes of one id apart; no time
  std::optional<Duration> running_for;  ///< since it was started
  std::optional<double> memory_bytes;   ///< resident
};

/// All of them. `root`: the folder under which proc lies; Windows has none. Errc::missing when the
/// system does not say.
Result<std::vector<RunningProcess>> processes(const std::filesystem::path& root);

/// Whether `wanted` names this program: by its path where it has a separator in it, else by its
/// file name. Windows takes upper case for lower case.
bool is_program(const RunningProcess& process, const std::string& wanted);

/// The version that a file carries in itself (Windows: its version resource); empty where files
/// have none.
std::string version_in(const std::filesystem::path& file);

/// The version of an installed package (Linux: dpkg's database under `root`); empty when it is not
/// installed, or the system keeps no such list.
std::string package_version(const std::filesystem::path& root, const std::string& package);

/// How long ago the system was last kept up to date; absent where it does not tell.
struct Upkeep {
  std::optional<Duration> since_patched;     ///< updates were last installed
  std::optional<Duration> since_signatures;  ///< the virus scanner got new signatures
  std::string antivirus;                     ///< what it is called; empty: none that we know
};
Upkeep read_upkeep(const std::filesystem::path& root);

}  // namespace kw::platform
