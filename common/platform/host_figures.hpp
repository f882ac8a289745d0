#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace kw::platform {

/// What a machine can say of itself at one moment. What cannot be read is absent, never guessed.
struct HostFigures {
  /// Counted since boot, in a unit of the system's; only differences mean something.
  struct CpuTime {
    std::uint64_t idle = 0;  ///< idle and waiting for a disk
    std::uint64_t total = 0;
  };
  /// A file system on a disk of this machine.
  struct Disk {
    std::string path;  ///< where it is mounted: "/", "C:\"
    double total_bytes = 0;
    double used_bytes = 0;
    double usable_bytes = 0;  ///< used, and what an ordinary user may still take
  };
  struct Network {
    std::string name;
    double received_bytes = 0;
    double sent_bytes = 0;
  };
  struct Temperature {
    std::string name;  ///< "coretemp/temp1"
    double celsius = 0;
  };

  std::string vendor;
  std::string model;
  std::optional<CpuTime> cpu;
  std::optional<double> memory_total_bytes;
  std::optional<double> memory_available_bytes;
  std::optional<double> swap_total_bytes;
  std::optional<double> swap_free_bytes;
  std::optional<double> load1;              ///< not on Windows
  std::optional<double> uptime_seconds;     ///< counted through sleep
  std::optional<double> boot_time_seconds;  ///< since 1970-01-01
  std::vector<Disk> disks;
  std::vector<Network> networks;  ///< without the loopback
  std::vector<Temperature> temperatures;
};

/// Reads them. `root`: the folder under which proc and sys lie; Windows has none and ignores it.
/// Errc::missing when the machine says nothing at all. Blocks for as long as a disk takes to
/// answer.
Result<HostFigures> read_host(const std::filesystem::path& root);

}  // namespace kw::platform
