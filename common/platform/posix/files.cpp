#include "common/platform/files.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/platform/posix/descriptor.hpp"

namespace kw::platform {
namespace {

namespace fs = std::filesystem;

Error failed(const fs::path& path, const char* what, int number) {
  const bool forbidden = number == EACCES || number == EPERM;
  const auto code = number == ENOENT ? Errc::missing : forbidden ? Errc::refused : Errc::storage;
  return Error{code, path.string() + ": " + what + ": " +
                         std::error_code{number, std::generic_category()}.message()};
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

fs::path folder_of(const fs::path& file) {
  auto folder = file.parent_path();
  return folder.empty() ? fs::path{"."} : folder;
}

/// A new name is durable only when its folder is synced too.
Result<void> sync_folder(const fs::path& folder) {
  const Descriptor fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return failed(folder, "open", errno);
  if (::fsync(fd.get()) != 0) return failed(folder, "sync", errno);
  return {};
}

Result<void> write_beside(const fs::path& beside, std::string_view bytes, bool secret) {
  // What a killed predecessor left is nobody's; O_EXCL keeps a planted link from being followed.
  ::unlink(beside.c_str());
  Descriptor fd{::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       secret ? 0600 : 0644)};
  if (!fd) return failed(beside, "create", errno);
  if (!write_all(fd.get(), bytes)) return failed(beside, "write", errno);
  if (::fsync(fd.get()) != 0) return failed(beside, "sync", errno);
  // The kernel may have something to complain about as late as now.
  if (::close(fd.release()) != 0) return failed(beside, "close", errno);
  return {};
}

}  // namespace

Result<std::string> read_file(const fs::path& path) {
  const Descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return failed(path, "open", errno);
  std::string bytes;
  struct stat info{};
  if (::fstat(fd.get(), &info) == 0 && info.st_size > 0) {
    bytes.reserve(static_cast<std::size_t>(info.st_size));
  }
  char chunk[16 * 1024];
  for (;;) {
    const auto n = ::read(fd.get(), chunk, sizeof chunk);
    if (n == 0) return bytes;
    if (n < 0) {
      if (errno == EINTR) continue;
      return failed(path, "read", errno);
    }
    bytes.append(chunk, static_cast<std::size_t>(n));
  }
}

Result<void> write_file(const fs::path& path, std::string_view bytes, bool secret) {
  const fs::path beside = path.string() + ".new";
  auto written = write_beside(beside, bytes, secret);
  if (!written) {
    ::unlink(beside.c_str());
    return written;
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    const int number = errno;
    ::unlink(beside.c_str());
    return failed(path, "rename", number);
  }
  return sync_folder(folder_of(path));
}

Result<void> sync_file(const fs::path& path) {
  const Descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return failed(path, "open", errno);
  if (::fsync(fd.get()) != 0) return failed(path, "sync", errno);
  return {};
}

Result<void> rename_file(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed(from, "rename", errno);
  auto synced = sync_folder(folder_of(to));
  if (!synced || folder_of(from) == folder_of(to)) return synced;
  return sync_folder(folder_of(from));
}

Result<void> make_folder(const fs::path& path, bool secret) {
  const auto parent = path.parent_path();
  std::error_code ec;
  if (!parent.empty()) fs::create_directories(parent, ec);
  if (ec) return failed(parent, "create", ec.value());
  // Made with its final mode: a secret folder is at no time open to others.
  if (::mkdir(path.c_str(), secret ? 0700 : 0755) != 0 && errno != EEXIST) {
    return failed(path, "create", errno);
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return failed(path, "look at", errno);
  if (!S_ISDIR(info.st_mode)) return failed(path, "create", ENOTDIR);
  if (secret && (info.st_mode & 077) != 0 && ::chmod(path.c_str(), 0700) != 0) {
    return failed(path, "protect", errno);
  }
  return {};
}

}  // namespace kw::platform
