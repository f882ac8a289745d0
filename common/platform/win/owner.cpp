#include "common/platform/owner.hpp"

#include <array>

#include <windows.h>

#include "common/platform/win/handle.hpp"

namespace kw::platform {

/// Files have the rights of their folder here, whoever makes them: the service can read them.
Result<void> become_owner_of(const std::filesystem::path& /*folder*/) { return {}; }

std::string account_name() {
  std::array<wchar_t, 257> name{};  // UNLEN + 1
  auto size = static_cast<DWORD>(name.size());
  if (GetUserNameW(name.data(), &size) == FALSE) return "unknown";
  return utf8(name.data());
}

}  // namespace kw::platform
