#include "common/platform/win/security.hpp"

#include <string>
#include <vector>

#include <sddl.h>

#include "common/platform/win/handle.hpp"

namespace kw::platform {
namespace {

Error failed(const char* what) {
  return Error{Errc::refused, std::string{what} + ": " + reason_of(GetLastError())};
}

/// The user of this process, as SDDL names it: "S-1-5-21-…".
Result<std::wstring> own_user() {
  HANDLE token = nullptr;
  if (OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token) == FALSE) {
    return failed("own user");
  }
  const Handle held{token};
  DWORD size = 0;
  GetTokenInformation(token, TokenUser, nullptr, 0, &size);
  std::vector<std::byte> memory(size);
  if (GetTokenInformation(token, TokenUser, memory.data(), size, &size) == FALSE) {
    return failed("own user");
  }
  wchar_t* text = nullptr;
  if (ConvertSidToStringSidW(reinterpret_cast<TOKEN_USER*>(memory.data())->User.Sid, &text) ==
      FALSE) {
    return failed("own user");
  }
  std::wstring out{text};
  LocalFree(text);
  return out;
}

}  // namespace

OwnersOnly::OwnersOnly(void* descriptor) : descriptor_(descriptor) {
  attributes_.nLength = sizeof attributes_;
  attributes_.lpSecurityDescriptor = descriptor;
}

Result<OwnersOnly> OwnersOnly::make() {
  const auto user = own_user();
  if (!user) return user.error();
  const auto rights = L"D:P(A;OICI;GA;;;SY)(A;OICI;GA;;;BA)(A;OICI;GA;;;" + *user + L")";
  void* descriptor = nullptr;
  if (ConvertStringSecurityDescriptorToSecurityDescriptorW(rights.c_str(), SDDL_REVISION_1,
                                                           &descriptor, nullptr) == FALSE) {
    return failed("access rights");
  }
  return OwnersOnly{descriptor};
}

ACL* OwnersOnly::list() const {
  BOOL present = FALSE;
  BOOL defaulted = FALSE;
  ACL* out = nullptr;
  GetSecurityDescriptorDacl(descriptor_.get(), &present, &out, &defaulted);
  return out;
}

}  // namespace kw::platform
