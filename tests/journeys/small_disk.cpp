#include "tests/journeys/small_disk.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace kw::tests {
namespace {

constexpr const char* filler = "filler";

void write_to(const char* file, const std::string& text) {
  const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  (void)!::write(fd, text.data(), text.size());
  ::close(fd);
}

/// A view of the file systems of our own, in which we may mount: as root, else as the root of a
/// user namespace.
std::optional<std::string> own_mounts() {
  const auto uid = ::getuid();
  const auto gid = ::getgid();
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      return fmt::format("unshare: {}", std::strerror(errno));
    }
    write_to("/proc/self/setgroups", "deny");
    write_to("/proc/self/uid_map", fmt::format("0 {} 1", uid));
    write_to("/proc/self/gid_map", fmt::format("0 {} 1", gid));
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return fmt::format("mount: {}", std::strerror(errno));
  }
  return std::nullopt;
}

bool mount_at(const std::filesystem::path& folder, int mib) {
  const auto size = fmt::format("size={}m,mode=0700", mib);
  return ::mount("kw-small", folder.c_str(), "tmpfs", 0, size.c_str()) == 0;
}

}  // namespace

std::optional<std::string> SmallDisk::refused() {
  // Once a process: what is mounted later is seen in this view.
  static const std::optional<std::string> why = own_mounts();
  return why;
}

SmallDisk::SmallDisk(std::filesystem::path folder, int mib) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
  REQUIRE_MESSAGE(mount_at(folder_, mib), std::strerror(errno));
}

SmallDisk::~SmallDisk() { ::umount2(folder_.c_str(), MNT_DETACH); }

void SmallDisk::fill() const {
  const int fd =
      ::open((folder_ / filler).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  const std::string block(4'096, 'x');
  while (::write(fd, block.data(), block.size()) > 0) {
  }
  CHECK(errno == ENOSPC);
  ::close(fd);
}

void SmallDisk::empty() const {
  std::error_code failed;
  std::filesystem::remove(folder_ / filler, failed);
  REQUIRE_FALSE(failed);
}

std::uintmax_t SmallDisk::available() const { return std::filesystem::space(folder_).available; }

}  // namespace kw::tests
