#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace kw::tests {

/// A real file system of a few MiB (tmpfs) on a folder, which a file of ours can fill. Seen by this
/// process and those that it starts; gone with the object.
class SmallDisk {
 public:
  /// Why this machine lets no test mount anything: it takes root or user namespaces. Nothing where
  /// it does. Must be asked before the process has a second thread.
  static std::optional<std::string> refused();

  SmallDisk(std::filesystem::path folder, int mib);
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk();

  /// Takes all the room that there is now.
  void fill() const;
  /// Gives back what `fill` has taken.
  void empty() const;
  std::uintmax_t available() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace kw::tests
