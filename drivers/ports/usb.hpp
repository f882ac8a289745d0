#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/result.hpp"
#include "drivers/port.hpp"
#include "drivers/ports/usb_address.hpp"
#include "drivers/ports/usb_facts.hpp"

namespace kw::drivers {

/// The eight bytes before a control transfer (USB 2.0, 9.3), length apart.
struct UsbSetup {
  std::uint8_t type = 0;  ///< bmRequestType: 0xa1 asks, 0x21 tells a function by its class
  std::uint8_t request = 0;
  std::uint16_t value = 0;
  std::uint16_t index = 0;
};

/// The port of a USB device that is spoken to directly, over libusb. As a Port it is the byte pipe
/// of one bulk pair; a driver that needs more casts to this. The thread rules are Port's.
///
/// What a device sends on one endpoint is a stream: bytes that did not fit into one `bulk_read` are
/// the next one's. Errors of every transfer: timeout; disconnected: unplugged, cancelled, or the
/// transfer broke down; garbled: the endpoint was halted by the device (it is released again), or
/// it sent more than a packet holds.
class UsbPort : public Port {
 public:
  /// A request with an answer of at most `most` bytes; a shorter answer is one too.
  /// Errc::unsupported: the device does not know the request.
  virtual Result<std::vector<std::uint8_t>> control_in(const UsbSetup& setup, std::size_t most,
                                                       MonoTime deadline) = 0;

  /// A request with `bytes` for the device. Errc::unsupported: it does not know the request.
  virtual Result<void> control_out(const UsbSetup& setup, std::span<const std::uint8_t> bytes,
                                   MonoTime deadline) = 0;

  /// As `write`, to a named bulk endpoint.
  virtual Result<void> bulk_write(std::uint8_t endpoint, std::span<const std::uint8_t> bytes,
                                  MonoTime deadline) = 0;

  /// As `read`, from a named bulk endpoint.
  virtual Result<std::size_t> bulk_read(std::uint8_t endpoint, std::span<std::uint8_t> into,
                                        MonoTime deadline) = 0;

  /// One report of an interrupt endpoint.
  virtual Result<std::vector<std::uint8_t>> interrupt_read(std::uint8_t endpoint,
                                                           MonoTime deadline) = 0;

  /// What the device calls itself, asked of the device.
  virtual Result<UsbNames> names(MonoTime deadline) = 0;

  virtual const UsbFacts& facts() const = 0;

  /// The function (interface and alternate setting) that this port has claimed.
  virtual const UsbFunction& function() const = 0;
};

/// Opens a device and claims one function of it: the one that `address` names, else the first with
/// a bulk pair, else the first with a bulk endpoint to the device, else the first.
///
/// Errc::missing: no such device; Errc::busy: another program or a kernel driver has claimed the
/// function (a kernel driver is put off only with `detach`, and put back on closing);
/// Errc::refused: no rights to the device's node; Errc::invalid: several devices fit, or the
/// endpoints named are not there; Errc::timeout. `clock` outlives the port.
Result<std::unique_ptr<Port>> open_usb(const UsbAddress& address, const Clock& clock,
                                       MonoTime deadline);

}  // namespace kw::drivers
