#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "common/checked.hpp"
#include "common/result.hpp"
#include "drivers/port.hpp"

namespace kw::drivers {

/// A port as it is written in configuration: `serial:/dev/ttyS0?baud=9600`, `tcp://host:port`,
/// `ipp://host/ipp/print`, `usb:04b8:0e15`, `modbus+tcp://host`, `modbus+rtu:/dev/ttyS1`,
/// `nut://host`, `snmp://host?community=public&version=2c`, `pcsc:reader's name`, `-`.
struct PortAddress {
  std::string scheme;  ///< "serial", "tcp", "ipp" …; "-" for a driver without a port
  std::string host;    ///< of a network port: host name or address; of a serial one: device path;
                       ///< usb: "04b8:0e15"; pcsc: name or beginning
  std::uint16_t port = 0;  ///< 0: not a network port
  std::string path;        ///< ipp: where on the host, from its '/' on
  std::map<std::string, std::string, std::less<>> options;
  /// Not part of the text: the port is another program's (Driver::polls_port). Opening it looks
  /// whether the device is there and touches nothing; what comes back carries no bytes.
  bool only_look = false;

  /// Else what is wrong, with an example of the right form.
  static Checked<PortAddress> parse(std::string_view text);
};

/// Whether the device at a port, as written, hangs on the kiosk's own buses, where it can be pulled
/// out: USB itself, and serial adapters and card readers on it.
bool may_be_unplugged(std::string_view port);

/// Opens the port of `address`. Errc::missing: no such device or name; Errc::busy: somebody else
/// holds it; Errc::refused, Errc::timeout: nobody listens. Port "-" gives a port on which every
/// call fails as unsupported, and so does `only_look`, which finds a serial device missing or
/// there; Errc::busy where nothing can be seen from outside: it is left to the program that has it.
Result<std::unique_ptr<Port>> open_port(const PortAddress& address, const Clock& clock,
                                        MonoTime deadline);

}  // namespace kw::drivers
