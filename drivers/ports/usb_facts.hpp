#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kw::drivers {

/// Where bytes go in or out of a device (USB 2.0, 9.6.6).
struct UsbEndpoint {
  enum class Kind : std::uint8_t { control, isochronous, bulk, interrupt };

  std::uint8_t address = 0;  ///< as in the descriptor: bit 7 set means from the device
  Kind kind = Kind::bulk;
  std::uint16_t packet = 0;  ///< the longest packet, in bytes

  bool in() const { return (address & 0x80) != 0; }
  bool operator==(const UsbEndpoint&) const = default;
};

/// One alternate setting of one function of a device (USB 2.0, 9.6.5).
struct UsbFunction {
  std::uint8_t number = 0;  ///< bInterfaceNumber
  std::uint8_t alternate = 0;
  std::uint8_t type = 0;  ///< bInterfaceClass: 0x03 HID, 0x07 printer, 0x0b smart card reader
  std::uint8_t subtype = 0;
  std::uint8_t protocol = 0;
  std::vector<UsbEndpoint> endpoints;

  /// The first endpoint of that kind and direction, or null.
  const UsbEndpoint* first(UsbEndpoint::Kind kind, bool in) const {
    for (const auto& one : endpoints) {
      if (one.kind == kind && one.in() == in) return &one;
    }
    return nullptr;
  }
};

/// What the system knows of an attached device without opening it.
struct UsbFacts {
  std::uint16_t vendor = 0;
  std::uint16_t product = 0;
  std::uint16_t release = 0;  ///< bcdDevice
  std::uint8_t type = 0;      ///< bDeviceClass; 0x09 is a hub, 0: each function says it
  std::string path;           ///< "1-2.3": bus, then the ports on the way; the same until moved
  std::vector<UsbFunction> functions;

  /// Whether any function is of this class.
  bool has_function(std::uint8_t function_type) const {
    for (const auto& one : functions) {
      if (one.type == function_type) return true;
    }
    return false;
  }
};

/// What a device calls itself; empty where it has no such text.
struct UsbNames {
  std::string manufacturer;
  std::string product;
  std::string serial;
};

}  // namespace kw::drivers
