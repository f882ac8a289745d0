#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "common/result.hpp"

namespace kw::platform {

/// A folder that belongs to one process as long as this lives; the system lets go of it whatever
/// ends the process.
class FolderLock {
 public:
  /// Errc::busy when another process holds it.
  static Result<std::unique_ptr<FolderLock>> take(const std::filesystem::path& folder);

  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(std::intptr_t handle) : handle_(handle) {}
  std::intptr_t handle_;  ///< the system's own
};

}  // namespace kw::platform
