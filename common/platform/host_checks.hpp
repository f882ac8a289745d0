#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"

/// What a technician's tool asks about the machine that it stands on. Nothing here changes anything
/// or waits.
namespace kw::platform {

/// Whether somebody keeps the system's clock right; nothing when the system does not say.
std::optional<bool> clock_synchronised();

/// Who may use a file or folder.
struct Rights {
  std::string owner;            ///< the user's name, else its number
  bool open_to_others = false;  ///< somebody besides the owner and the administrator may read it
};
/// Nothing when it is not there, or not for us to look at.
std::optional<Rights> rights_of(const std::filesystem::path& path);

/// A local device file as a given user finds it.
struct PortFacts {
  bool exists = false;
  bool allowed = false;              ///< that user may read and write it
  std::string group;                 ///< a group that would be allowed; empty: none would
  std::vector<std::string> holders;  ///< programs that have it open: "name (number)"
};
/// `user` is a name as `Rights::owner` has it. Holders of other users are seen by the administrator
/// alone.
PortFacts port_facts(const std::filesystem::path& device, const std::string& user);

/// What a process of ours uses.
struct Usage {
  std::int64_t resident_bytes = 0;
  Duration cpu{};  ///< since it started
};
Usage own_usage();
std::int64_t own_process();

}  // namespace kw::platform
