#include "common/platform/host_checks.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <system_error>

#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

namespace kw::platform {
namespace {

namespace fs = std::filesystem;

std::string user_name(uid_t uid) {
  const auto* known = getpwuid(uid);
  return known != nullptr ? std::string{known->pw_name} : std::to_string(uid);
}

struct User {
  uid_t uid = 0;
  std::vector<gid_t> groups;
};

std::optional<User> user_of(const std::string& name) {
  const auto* known = getpwnam(name.c_str());
  if (known == nullptr) {
    uid_t number = 0;
    const auto* end = name.data() + name.size();
    const auto read = std::from_chars(name.data(), end, number);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return User{number, {}};
  }
  User out{known->pw_uid, std::vector<gid_t>(64)};
  int count = static_cast<int>(out.groups.size());
  if (getgrouplist(name.c_str(), known->pw_gid, out.groups.data(), &count) < 0) count = 0;
  out.groups.resize(static_cast<std::size_t>(count));
  return out;
}

bool may_use(const struct stat& facts, const User& user) {
  constexpr mode_t both = 06;
  if (user.uid == 0) return true;
  if (facts.st_uid == user.uid) return ((facts.st_mode >> 6) & both) == both;
  if (std::ranges::find(user.groups, facts.st_gid) != user.groups.end()) {
    return ((facts.st_mode >> 3) & both) == both;
  }
  return (facts.st_mode & both) == both;
}

bool holds(const fs::path& process, const fs::path& device) {
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator{process / "fd", ec}) {
    std::error_code gone;
    if (fs::read_symlink(entry.path(), gone) == device) return true;
  }
  return false;
}

std::vector<std::string> holders_of(const fs::path& device) {
  std::vector<std::string> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator{"/proc", ec}) {
    const auto number = entry.path().filename().string();
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!holds(entry.path(), device)) continue;
    std::string name;
    std::ifstream comm{entry.path() / "comm"};
    std::getline(comm, name);
    out.push_back(name + " (" + number + ")");
  }
  return out;
}

}  // namespace

std::optional<bool> clock_synchronised() {
  timex state{};
  const int told = adjtimex(&state);
  if (told < 0) return std::nullopt;
  return told != TIME_ERROR;
}

std::optional<Rights> rights_of(const fs::path& path) {
  struct stat facts{};
  if (stat(path.c_str(), &facts) != 0) return std::nullopt;
  return Rights{user_name(facts.st_uid), (facts.st_mode & 077) != 0};
}

PortFacts port_facts(const fs::path& device, const std::string& user) {
  PortFacts out;
  struct stat facts{};
  if (stat(device.c_str(), &facts) != 0) return out;
  out.exists = true;
  const auto who = user_of(user);
  out.allowed = who && may_use(facts, *who);
  constexpr mode_t group_both = 060;
  if ((facts.st_mode & group_both) == group_both) {
    const auto* group = getgrgid(facts.st_gid);
    out.group = group != nullptr ? std::string{group->gr_name} : std::to_string(facts.st_gid);
  }
  std::error_code ec;
  const auto real = fs::canonical(device, ec);
  if (!ec) out.holders = holders_of(real);
  return out;
}

Usage own_usage() {
  Usage out;
  rusage used{};
  if (getrusage(RUSAGE_SELF, &used) == 0) {
    const auto of = [](const timeval& t) {
      return std::chrono::seconds{t.tv_sec} + Duration{t.tv_usec};
    };
    out.cpu = of(used.ru_utime) + of(used.ru_stime);
  }
  std::ifstream in{"/proc/self/statm"};
  std::int64_t pages = 0;
  if (in >> pages >> pages) out.resident_bytes = pages * sysconf(_SC_PAGESIZE);
  return out;
}

std::int64_t own_process() { return getpid(); }

}  // namespace kw::platform
