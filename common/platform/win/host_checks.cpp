#include "common/platform/host_checks.hpp"

#include <array>
#include <memory>

#include <aclapi.h>
#include <windows.h>

// Wants the one above first.
#include <psapi.h>

#include "common/platform/files.hpp"
#include "common/platform/win/handle.hpp"

namespace kw::platform {
namespace {

struct Free {
  void operator()(void* memory) const { LocalFree(memory); }
};

std::string user_name(PSID user) {
  std::array<wchar_t, 256> name{};
  std::array<wchar_t, 256> domain{};
  auto name_size = static_cast<DWORD>(name.size());
  auto domain_size = static_cast<DWORD>(domain.size());
  SID_NAME_USE kind{};
  if (LookupAccountSidW(nullptr, user, name.data(), &name_size, domain.data(), &domain_size,
                        &kind) == FALSE) {
    return {};
  }
  return utf8(name.data());
}

/// Whether an entry of a list of rights is about the owner, the system or the administrators.
bool expected(void* entry, PSID owner) {
  auto* const who = &static_cast<ACCESS_ALLOWED_ACE*>(entry)->SidStart;
  return EqualSid(who, owner) != FALSE || IsWellKnownSid(who, WinLocalSystemSid) != FALSE ||
         IsWellKnownSid(who, WinBuiltinAdministratorsSid) != FALSE;
}

}  // namespace

/// The time service is asked over RPC, which may wait: nothing is said.
std::optional<bool> clock_synchronised() { return std::nullopt; }

std::optional<Rights> rights_of(const std::filesystem::path& path) {
  auto name = path.wstring();
  PSID owner = nullptr;
  ACL* rights = nullptr;
  void* descriptor = nullptr;
  if (GetNamedSecurityInfoW(name.data(), SE_FILE_OBJECT,
                            OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner, nullptr,
                            &rights, nullptr, &descriptor) != ERROR_SUCCESS) {
    return std::nullopt;
  }
  const std::unique_ptr<void, Free> held{descriptor};
  Rights out{user_name(owner), rights == nullptr};  // no list: everybody may do everything
  for (DWORD i = 0; rights != nullptr && i < rights->AceCount; ++i) {
    void* entry = nullptr;
    if (GetAce(rights, i, &entry) == FALSE) continue;
    const bool allows = static_cast<ACE_HEADER*>(entry)->AceType == ACCESS_ALLOWED_ACE_TYPE;
    if (allows && !expected(entry, owner)) out.open_to_others = true;
  }
  return out;
}

/// Serial ports are every user's here, and who has one open is not told.
PortFacts port_facts(const std::filesystem::path& device, const std::string& /*user*/) {
  std::array<wchar_t, 1024> target{};
  PortFacts out;
  out.exists =
      QueryDosDeviceW(device.c_str(), target.data(), static_cast<DWORD>(target.size())) != 0;
  out.allowed = out.exists;
  return out;
}

Usage own_usage() {
  Usage out;
  PROCESS_MEMORY_COUNTERS memory{};
  if (K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory) != FALSE) {
    out.resident_bytes = static_cast<std::int64_t>(memory.WorkingSetSize);
  }
  FILETIME made{};
  FILETIME ended{};
  FILETIME kernel{};
  FILETIME user{};
  if (GetProcessTimes(GetCurrentProcess(), &made, &ended, &kernel, &user) != FALSE) {
    const auto of = [](const FILETIME& t) {
      return Duration{(std::int64_t{t.dwHighDateTime} << 32 | t.dwLowDateTime) / 10};
    };
    out.cpu = of(kernel) + of(user);
  }
  return out;
}

std::int64_t own_process() { return GetCurrentProcessId(); }

}  // namespace kw::platform
