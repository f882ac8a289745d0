#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/result.hpp"
#include "common/wire/status.hpp"
#include "drivers/ports/usb.hpp"

// The two questions that every printer of the USB printer class answers (class 1.1, 4.2; output
// devices, section 1.7): without its command language, so also one that has no real-time status.
namespace kw::drivers::usb_printer {

/// Whether the port is on a printer-class function.
bool fits(const UsbPort& port);

/// What the IEEE 1284 text says of who it is; empty where it does not tell. Errc::garbled: the
/// length in front does not fit.
Result<wire::Identity> decode_device_id(std::span<const std::uint8_t> answer);

/// What the status byte says is wrong. Errc::garbled: not one byte.
struct PortStatus {
  bool paper_empty = false;
  bool selected = true;
  bool error = false;
  std::uint8_t byte = 0;
};
Result<PortStatus> decode_port_status(std::span<const std::uint8_t> answer);

/// GET_DEVICE_ID and GET_PORT_STATUS; errors are UsbPort::control_in's, and garbled.
Result<wire::Identity> ask_device_id(UsbPort& port, MonoTime deadline);
Result<PortStatus> ask_port_status(UsbPort& port, MonoTime deadline);

}  // namespace kw::drivers::usb_printer
