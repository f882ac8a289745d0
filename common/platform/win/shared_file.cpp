#include "common/platform/shared_file.hpp"

#include <string>
#include <vector>

#include <aclapi.h>
#include <sddl.h>
#include <windows.h>

#include "common/platform/win/handle.hpp"
#include "common/platform/win/security.hpp"

namespace kw::platform {
namespace {

Error failed(const std::filesystem::path& file, const char* what, DWORD number) {
  const auto code = number == ERROR_ACCESS_DENIED ? Errc::refused : Errc::storage;
  return Error{code, file.string() + ": " + what + ": " + reason_of(number)};
}

Result<std::vector<std::byte>> sid_of(std::string_view name) {
  // All our text is UTF-8, which a path of the standard library turns into the system's letters.
  const std::wstring wide =
      std::filesystem::path{std::u8string{name.begin(), name.end()}}.wstring();
  DWORD sid_size = 0;
  DWORD domain_size = 0;
  SID_NAME_USE use{};
  LookupAccountNameW(nullptr, wide.c_str(), nullptr, &sid_size, nullptr, &domain_size, &use);
  std::vector<std::byte> sid(sid_size);
  std::wstring domain(domain_size, L'\0');
  if (sid_size == 0 || LookupAccountNameW(nullptr, wide.c_str(), sid.data(), &sid_size,
                                          domain.data(), &domain_size, &use) == FALSE) {
    return Error{Errc::missing, "there is no account or group " + std::string{name}};
  }
  return sid;
}

}  // namespace

Result<void> share_file(const std::filesystem::path& file, std::string_view readers) {
  const auto owners = OwnersOnly::make();
  if (!owners) return owners.error();
  ACL* list = owners->list();
  ACL* with_readers = nullptr;
  if (!readers.empty()) {
    auto sid = sid_of(readers);
    if (!sid) return sid.error();
    EXPLICIT_ACCESSW more{};
    more.grfAccessPermissions = GENERIC_READ;
    more.grfAccessMode = GRANT_ACCESS;
    more.grfInheritance = NO_INHERITANCE;
    more.Trustee.TrusteeForm = TRUSTEE_IS_SID;
    more.Trustee.ptstrName = reinterpret_cast<wchar_t*>(sid->data());
    const auto refused = SetEntriesInAclW(1, &more, list, &with_readers);
    if (refused != ERROR_SUCCESS) return failed(file, "access rights", refused);
    list = with_readers;
  }
  auto name = file.wstring();
  const auto refused = SetNamedSecurityInfoW(
      name.data(), SE_FILE_OBJECT, DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
      nullptr, nullptr, list, nullptr);
  if (with_readers != nullptr) LocalFree(with_readers);
  if (refused != ERROR_SUCCESS) return failed(file, "protect", refused);
  return {};
}

}  // namespace kw::platform
