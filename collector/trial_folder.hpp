#pragma once

#include <filesystem>
#include <memory>

#include "common/platform/folder_lock.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// Where a trial of a backup has its copy: the data folder, or the system's for such when there is
/// none.
std::filesystem::path trial_place(const std::filesystem::path& data);

/// A folder of its own for one trial.
class TrialFolder {
 public:
  /// In the data folder, which is ours, one at a time: there is room where the store itself lives.
  /// Elsewhere anybody may have put a folder or a link under a name that can be guessed: there it
  /// is a new one, which goes away with this. Errc::busy: another trial is under way in the data
  /// folder; Errc::storage: the disk.
  static Result<std::unique_ptr<TrialFolder>> make(const std::filesystem::path& data);

  TrialFolder(const TrialFolder&) = delete;
  TrialFolder& operator=(const TrialFolder&) = delete;
  ~TrialFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  TrialFolder(std::filesystem::path path, std::unique_ptr<platform::FolderLock> lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  std::filesystem::path path_;
  std::unique_ptr<platform::FolderLock> lock_;  ///< none: the folder passes
};

}  // namespace kw::collector
