#include "common/platform/host_facts.hpp"

#include <array>
#include <cstdlib>
#include <optional>

#include <windows.h>

#include "common/identity/random.hpp"
#include "common/platform/win/registry.hpp"

namespace kw::platform {
namespace {

constexpr std::size_t boot_id_bytes = 16;
constexpr const wchar_t* boot_key = L"SOFTWARE\\Kioskwatch\\Boot";

/// Windows numbers its boots nowhere that can be relied on, but it forgets a volatile key with
/// each.
std::optional<std::string> boot_id_under(HKEY root) {
  HKEY key = nullptr;
  if (RegCreateKeyExW(root, boot_key, 0, nullptr, REG_OPTION_VOLATILE, KEY_READ | KEY_WRITE,
                      nullptr, &key, nullptr) != ERROR_SUCCESS) {
    return std::nullopt;
  }
  std::string id(boot_id_bytes, '\0');
  auto size = static_cast<DWORD>(id.size());
  auto done = RegGetValueW(key, nullptr, L"id", RRF_RT_REG_BINARY, nullptr, id.data(), &size);
  if (done != ERROR_SUCCESS || size != boot_id_bytes) {
    id = identity::random_bytes(boot_id_bytes);
    done = RegSetValueExW(key, L"id", 0, REG_BINARY, reinterpret_cast<const BYTE*>(id.data()),
                          static_cast<DWORD>(id.size()));
  }
  RegCloseKey(key);
  if (done != ERROR_SUCCESS) return std::nullopt;
  return id;
}

std::string boot_id() {
  for (const HKEY root : {HKEY_LOCAL_MACHINE, HKEY_CURRENT_USER}) {
    if (auto id = boot_id_under(root)) return std::move(*id);
  }
  // Without one every start counts as a boot: too many boots are better than a boot unseen.
  return identity::random_bytes(boot_id_bytes);
}

std::string hostname() {
  std::array<wchar_t, 256> name{};
  auto size = static_cast<DWORD>(name.size());
  if (GetComputerNameExW(ComputerNameDnsHostname, name.data(), &size) == FALSE) return {};
  return utf8({name.data(), size});
}

/// "Windows 10 Pro 22H2 (build 19045)".
std::string os_name() {
  constexpr const wchar_t* key = L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion";
  auto name = registry_text(key, L"ProductName");
  if (name.empty()) return "Windows";
  const auto build = registry_text(key, L"CurrentBuildNumber");
  // The registry of Windows 11 still says 10.
  constexpr int first_of_11 = 22'000;
  const auto ten = name.find("Windows 10");
  if (ten != std::string::npos && std::atoi(build.c_str()) >= first_of_11) {
    name.replace(ten, 10, "Windows 11");
  }
  const auto release = registry_text(key, L"DisplayVersion");
  if (!release.empty()) name += " " + release;
  return build.empty() ? name : name + " (build " + build + ")";
}

}  // namespace

HostFacts host_facts() { return {boot_id(), hostname(), os_name()}; }

}  // namespace kw::platform
