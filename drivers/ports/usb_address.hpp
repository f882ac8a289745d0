#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/result.hpp"
#include "drivers/ports/open.hpp"

namespace kw::drivers {

/// Which USB device is meant, and how it is used.
///
/// `usb:VID:PID[?serial=…&path=1-2.3&interface=N&out=0x01&in=0x81&detach=true]` opens it;
/// `usb-list:VID:PID[?serial=…&path=…]` only looks for it in the system's device list.
struct UsbAddress {
  std::uint16_t vendor = 0;
  std::uint16_t product = 0;
  std::string serial;                    ///< empty: any
  std::string path;                      ///< as UsbFacts::path; empty: any
  std::optional<std::uint8_t> function;  ///< interface=: its number; else found by endpoints
  std::optional<std::uint8_t> out;       ///< bulk, to the device; else the function's first
  std::optional<std::uint8_t> in;        ///< bulk, from the device; else the function's first
  bool detach = false;                   ///< a kernel driver (usblp, say) may be put off it

  /// "usb:0400:c35a"
  std::string text() const;
};

/// Reads what PortAddress::parse took apart. What is wrong comes without an example.
Checked<UsbAddress> usb_address(const PortAddress& address);

}  // namespace kw::drivers
