#include "collector/trial_folder.hpp"

#include <fmt/format.h>

#include "common/identity/random.hpp"
#include "common/platform/files.hpp"

namespace kw::collector {
namespace {

namespace fs = std::filesystem;

}  // namespace

fs::path trial_place(const fs::path& data) {
  std::error_code none;
  return fs::is_directory(data, none) ? data : fs::temp_directory_path();
}

Result<std::unique_ptr<TrialFolder>> TrialFolder::make(const fs::path& data) {
  std::error_code failed;
  if (!fs::is_directory(data, failed)) {
    auto path = trial_place(data) / fmt::format("kiosk-collector-trial-{:016x}{:016x}",
                                                identity::random_u64(), identity::random_u64());
    // False when anything has that name, a link too.
    if (!fs::create_directory(path, failed)) {
      return Error{Errc::storage, path.string() + ": cannot be made"};
    }
    fs::permissions(path, fs::perms::owner_all, failed);
    return std::unique_ptr<TrialFolder>{new TrialFolder{std::move(path), nullptr}};
  }
  auto path = data / "trial";
  auto made = platform::make_folder(path, true);
  if (!made) return std::move(made).error();
  auto lock = platform::FolderLock::take(path);
  if (!lock && lock.error().code() == Errc::busy) {
    return Error{Errc::busy, "another trial is under way in " + path.string()};
  }
  if (!lock) return std::move(lock).error();
  return std::unique_ptr<TrialFolder>{new TrialFolder{std::move(path), std::move(*lock)}};
}

TrialFolder::~TrialFolder() {
  std::error_code none;
  if (!lock_) fs::remove_all(path_, none);
}

}  // namespace kw::collector
