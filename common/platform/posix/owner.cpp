#include "common/platform/owner.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kw::platform {

Result<void> become_owner_of(const std::filesystem::path& folder) {
  struct stat owner{};
  if (geteuid() != 0 || stat(folder.c_str(), &owner) != 0 || owner.st_uid == 0) return {};
  // Groups first: once the user is changed nobody may change them.
  const auto* user = getpwuid(owner.st_uid);
  const bool grouped =
      user == nullptr ? setgroups(0, nullptr) == 0 : initgroups(user->pw_name, owner.st_gid) == 0;
  if (!grouped || setgid(owner.st_gid) != 0 || setuid(owner.st_uid) != 0) {
    return Error{Errc::refused,
                 "cannot go on as the owner of " + folder.string() + ": " + std::strerror(errno)};
  }
  return {};
}

std::string account_name() {
  const auto* user = getpwuid(geteuid());
  std::string out = user != nullptr ? user->pw_name : std::to_string(geteuid());
  // Only root is believed: anybody else may set the variable to what they like.
  const char* before = geteuid() == 0 ? std::getenv("SUDO_USER") : nullptr;
  if (before != nullptr && *before != '\0') out += " (sudo " + std::string{before} + ")";
  return out;
}

}  // namespace kw::platform
