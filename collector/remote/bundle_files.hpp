#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// The log bundles that kiosks upload, one file each: FOLDER/TERMINAL/COMMAND.json, 0600. Blocks:
/// for a worker thread. One thread at a time.
class BundleFiles {
 public:
  struct Limits {
    Duration keep = std::chrono::hours{24 * 30};
    std::uintmax_t bytes = 1024ULL * 1024 * 1024;  ///< all together
  };
  explicit BundleFiles(std::filesystem::path folder) : BundleFiles(std::move(folder), Limits{}) {}
  BundleFiles(std::filesystem::path folder, Limits limits)
      : folder_(std::move(folder)), limits_(limits) {}

  /// Puts the bundle in place of an earlier one of the same command, then prunes. `command`: a UUID
  /// that the collector made, never the kiosk's own words.
  Result<void> save(std::string_view terminal_code, std::string_view command, std::string_view body,
                    WallTime now) const;
  /// Errc::missing when there is none, or none any more.
  Result<std::string> load(std::string_view terminal_code, std::string_view command) const;
  /// Removes what is older than is kept, then the oldest until all fit.
  void prune(WallTime now) const;

 private:
  std::filesystem::path file_of(std::string_view terminal_code, std::string_view command) const;

  std::filesystem::path folder_;
  Limits limits_;
};

}  // namespace kw::collector
