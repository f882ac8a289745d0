#include "common/platform/shared_file.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/platform/posix/descriptor.hpp"

namespace kw::platform {
namespace {

Error failed(const std::filesystem::path& file, const char* what) {
  const int number = errno;
  const bool forbidden = number == EACCES || number == EPERM;
  return Error{forbidden ? Errc::refused : Errc::storage,
               file.string() + ": " + what + ": " +
                   std::error_code{number, std::generic_category()}.message()};
}

Result<gid_t> group_id(const std::string& name) {
  constexpr std::size_t most = 1024 * 1024;
  for (std::size_t size = 1024; size <= most; size *= 4) {
    std::vector<char> memory(size);
    group entry{};
    group* found = nullptr;
    const int wrong = getgrnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found);
    if (wrong == ERANGE) continue;  // a group of many members
    if (found != nullptr) return entry.gr_gid;
    break;
  }
  return Error{Errc::missing, "there is no group " + name};
}

}  // namespace

Result<void> share_file(const std::filesystem::path& file, std::string_view readers) {
  // O_NOFOLLOW: a link that somebody planted must not lead to another file's rights.
  const Descriptor fd{::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return failed(file, "open");
  if (readers.empty()) {
    if (::fchmod(fd.get(), 0600) != 0) return failed(file, "protect");
    return {};
  }
  const auto group = group_id(std::string{readers});
  if (!group) return group.error();
  struct stat now{};
  if (::fstat(fd.get(), &now) != 0) return failed(file, "look at");
  if (now.st_gid == *group && (now.st_mode & 07777) == 0640) return {};
  // Closed first: at no moment may the group that it had read it in place of the one it gets.
  if (::fchmod(fd.get(), 0600) != 0) return failed(file, "protect");
  if (::fchown(fd.get(), static_cast<uid_t>(-1), *group) != 0) return failed(file, "give to group");
  if (::fchmod(fd.get(), 0640) != 0) return failed(file, "protect");
  return {};
}

}  // namespace kw::platform
