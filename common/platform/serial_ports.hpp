#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kw::platform {

/// A serial port that this machine has.
struct SerialPortFacts {
  std::string device;  ///< "/dev/ttyUSB0", "COM3"
  /// A name that stays the same whatever else is plugged in ("/dev/serial/by-id/…"); empty: none.
  std::string lasting;
  std::uint16_t vendor = 0;  ///< of the USB adapter that it is on; 0: none, or not told (Windows)
  std::uint16_t product = 0;
  std::string path;  ///< of that adapter on the bus: "1-2"; empty: none
};

/// Every serial port with hardware behind it, by name; none of them is opened. Any thread.
std::vector<SerialPortFacts> serial_ports();

/// Whether there is a serial device of that name, "/dev/ttyUSB0" or a link to it, "COM3". It is not
/// opened, so no line moves and no other program notices. Any thread.
bool serial_device_exists(const std::string& device);

}  // namespace kw::platform
