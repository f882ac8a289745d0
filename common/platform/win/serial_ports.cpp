#include "common/platform/serial_ports.hpp"

#include <algorithm>
#include <array>

#include <windows.h>

#include "common/platform/win/handle.hpp"

namespace kw::platform {

std::vector<SerialPortFacts> serial_ports() {
  constexpr DWORD most = 512;  // COM256 is the last
  std::vector<SerialPortFacts> out;
  HKEY key = nullptr;
  // Every driver of serial ports writes its ports there, by its own name for each.
  if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, L"HARDWARE\\DEVICEMAP\\SERIALCOMM", 0, KEY_READ, &key) !=
      ERROR_SUCCESS) {
    return out;
  }
  for (DWORD index = 0; index < most; ++index) {
    std::array<wchar_t, 256> name{};
    std::array<wchar_t, 64> port{};
    DWORD name_size = static_cast<DWORD>(name.size());
    DWORD port_size = static_cast<DWORD>((port.size() - 1) * sizeof(wchar_t));
    DWORD type = 0;
    const auto got = RegEnumValueW(key, index, name.data(), &name_size, nullptr, &type,
                                   reinterpret_cast<BYTE*>(port.data()), &port_size);
    if (got == ERROR_NO_MORE_ITEMS) break;
    if (got != ERROR_SUCCESS) continue;
    if (type == REG_SZ) out.push_back({utf8(port.data()), {}, 0, 0, {}});
  }
  RegCloseKey(key);
  std::ranges::sort(out, {}, &SerialPortFacts::device);
  return out;
}

bool serial_device_exists(const std::string& device) {
  std::array<wchar_t, 1024> target{};
  return QueryDosDeviceW(wide(device).c_str(), target.data(), static_cast<DWORD>(target.size())) !=
         0;
}

}  // namespace kw::platform
