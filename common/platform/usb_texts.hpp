#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kw::platform {

/// What the system has read of a USB device's own texts when it was plugged in; empty where it
/// does not tell.
struct UsbTexts {
  std::string manufacturer;
  std::string product;
  /// On Linux the one of the device asked for; on Windows those of every attached device with the
  /// same numbers, since a place on the bus is not told there.
  std::vector<std::string> serials;
};

/// Without opening the device. `path`: "1-2.3", bus and ports. Any thread.
UsbTexts usb_texts(const std::string& path, std::uint16_t vendor, std::uint16_t product);

}  // namespace kw::platform
