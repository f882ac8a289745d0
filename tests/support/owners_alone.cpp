#include "tests/support/owners_alone.hpp"

#ifdef _WIN32
#include <aclapi.h>
#include <sddl.h>
#include <windows.h>
#endif

namespace kw::tests {

#ifdef _WIN32

bool owners_alone(const std::filesystem::path& path) {
  auto name = path.wstring();
  PSID owner = nullptr;
  ACL* rights = nullptr;
  void* descriptor = nullptr;
  if (GetNamedSecurityInfoW(name.data(), SE_FILE_OBJECT,
                            OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner, nullptr,
                            &rights, nullptr, &descriptor) != ERROR_SUCCESS ||
      rights == nullptr) {
    return false;
  }
  bool alone = true;
  for (DWORD i = 0; i < rights->AceCount; ++i) {
    void* entry = nullptr;
    GetAce(rights, i, &entry);
    auto* const who = &static_cast<ACCESS_ALLOWED_ACE*>(entry)->SidStart;
    alone = alone &&
            (EqualSid(who, owner) != FALSE || IsWellKnownSid(who, WinLocalSystemSid) != FALSE ||
             IsWellKnownSid(who, WinBuiltinAdministratorsSid) != FALSE);
  }
  LocalFree(descriptor);
  return alone;
}

#else

bool owners_alone(const std::filesystem::path& path) {
  using std::filesystem::perms;
  const auto given = std::filesystem::status(path).permissions();
  return (given & (perms::group_all | perms::others_all)) == perms::none;
}

#endif

}  // namespace kw::tests
