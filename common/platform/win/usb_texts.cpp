#include "common/platform/usb_texts.hpp"

#include <array>
#include <cstdio>
#include <string_view>

#include <cfgmgr32.h>
#include <windows.h>

namespace kw::platform {
namespace {

/// Every attached USB device as "USB\VID_1EAB&PID_0C06\SERIAL", each ended by a zero.
std::vector<char> instances() {
  constexpr ULONG what = CM_GETIDLIST_FILTER_ENUMERATOR | CM_GETIDLIST_FILTER_PRESENT;
  ULONG size = 0;
  if (CM_Get_Device_ID_List_SizeA(&size, "USB", what) != CR_SUCCESS || size == 0) return {};
  std::vector<char> out(size);
  if (CM_Get_Device_ID_ListA("USB", out.data(), size, what) != CR_SUCCESS) return {};
  return out;
}

}  // namespace

UsbTexts usb_texts(const std::string& /*path*/, std::uint16_t vendor, std::uint16_t product) {
  std::array<char, 32> wanted{};
  std::snprintf(wanted.data(), wanted.size(), "USB\\VID_%04X&PID_%04X\\", unsigned{vendor},
                unsigned{product});
  const std::string_view start{wanted.data()};
  UsbTexts out;
  const auto list = instances();
  for (std::size_t at = 0; at < list.size() && list[at] != '\0';) {
    const std::string_view one{list.data() + at};
    at += one.size() + 1;
    if (!one.starts_with(start)) continue;
    const auto serial = one.substr(start.size());
    // One that Windows made up for a device without a serial number has an ampersand in it.
    if (serial.find('&') == std::string_view::npos) out.serials.emplace_back(serial);
  }
  return out;
}

}  // namespace kw::platform
