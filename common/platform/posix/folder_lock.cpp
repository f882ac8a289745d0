#include "common/platform/folder_lock.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace kw::platform {

Result<std::unique_ptr<FolderLock>> FolderLock::take(const std::filesystem::path& folder) {
  const auto file = folder / "lock";
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Error{Errc::storage, "cannot open " + file.string() + ": " + std::strerror(errno)};
  }
  std::unique_ptr<FolderLock> out{new FolderLock{fd}};
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return Error{Errc::busy, folder.string() + " is in use by another process"};
  }
  return out;
}

FolderLock::~FolderLock() { close(static_cast<int>(handle_)); }

}  // namespace kw::platform
