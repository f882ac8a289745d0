#include "drivers/ports/open.hpp"

#include <charconv>

#include "common/platform/serial_ports.hpp"
#include "drivers/ports/http.hpp"
#include "drivers/ports/modbus.hpp"
#include "drivers/ports/none.hpp"
#include "drivers/ports/pcsc.hpp"
#include "drivers/ports/snmp.hpp"
#include "drivers/ports/usb.hpp"
#include "drivers/ports/usb_list.hpp"

namespace kw::drivers {
namespace {

/// Linux lets a second program open a serial line that a first one reads: the lines would move,
/// and what comes next would reach either of them.
Result<std::unique_ptr<Port>> look_at(const PortAddress& address, const Clock& clock) {
  const bool on_line =
      address.scheme == "serial" || (address.scheme == "modbus+rtu" && address.port == 0);
  if (!on_line) {
    return Error{Errc::busy, address.scheme + ": left to the program that uses it"};
  }
  const auto where = address.scheme + ":" + address.host;
  if (!platform::serial_device_exists(address.host)) {
    return Error{Errc::missing, where + ": no such serial device"};
  }
  return std::unique_ptr<Port>{
      std::make_unique<NoPort>(clock, where + ": was looked at, not opened")};
}

unsigned number_of(const PortAddress& address, std::string_view name, unsigned fallback) {
  const auto at = address.options.find(name);
  if (at == address.options.end()) return fallback;
  const auto& text = at->second;  // PortAddress::parse let nothing but digits through
  std::from_chars(text.data(), text.data() + text.size(), fallback);
  return fallback;
}

platform::SerialLine line_of(const PortAddress& address) {
  using platform::SerialLine;
  SerialLine out;
  out.device = address.host;
  out.baud = number_of(address, "baud", out.baud);
  out.data_bits = number_of(address, "data", out.data_bits);
  out.stop_bits = number_of(address, "stop", out.stop_bits);
  const auto is = [&](std::string_view name, std::string_view value) {
    const auto at = address.options.find(name);
    return at != address.options.end() && at->second == value;
  };
  if (is("parity", "even")) out.parity = SerialLine::Parity::even;
  if (is("parity", "odd")) out.parity = SerialLine::Parity::odd;
  if (is("flow", "rtscts")) out.flow = SerialLine::Flow::rtscts;
  if (is("flow", "xonxoff")) out.flow = SerialLine::Flow::xonxoff;
  return out;
}

/// A serial server adds delays of its own between the bytes it passes on.
constexpr Duration server_silence = std::chrono::milliseconds{20};

Result<std::unique_ptr<Port>> open_modbus(const PortAddress& address, const Clock& clock,
                                          MonoTime deadline) {
  const bool network = address.port != 0;
  const auto line = line_of(address);
  auto wire = network ? platform::open_tcp(address.host, address.port, clock, deadline)
                      : platform::open_serial(line, clock);
  if (!wire) return std::move(wire).error();
  const auto framing =
      address.scheme == "modbus+tcp" ? ModbusPort::Framing::tcp : ModbusPort::Framing::rtu;
  const auto silence = network ? server_silence : ModbusPort::silence_at(line.baud);
  return std::unique_ptr<Port>{std::make_unique<ModbusPort>(std::move(*wire), framing, silence)};
}

}  // namespace

Result<std::unique_ptr<Port>> open_port(const PortAddress& address, const Clock& clock,
                                        MonoTime deadline) {
  if (address.scheme == "-") {
    return std::unique_ptr<Port>{std::make_unique<NoPort>(clock, "port \"-\" carries no bytes")};
  }
  if (address.only_look) return look_at(address, clock);
  if (address.scheme == "serial") return platform::open_serial(line_of(address), clock);
  if (address.scheme == "pcsc") {
    return std::unique_ptr<Port>{std::make_unique<PcscPort>(address.host, clock)};
  }
  const auto connect = [address, &clock](MonoTime until) {
    return platform::open_tcp(address.host, address.port, clock, until);
  };
  if (address.scheme == "tcp" || address.scheme == "nut") return connect(deadline);
  if (address.scheme == "ipp") return open_http(address, connect, deadline);
  if (address.scheme == "usb" || address.scheme == "usb-list") {
    const auto wanted = usb_address(address);
    if (!wanted) return wanted.error();
    if (address.scheme == "usb") return open_usb(*wanted, clock, deadline);
    return std::unique_ptr<Port>{std::make_unique<UsbListPort>(*wanted, clock)};
  }
  if (address.scheme.starts_with("modbus+")) return open_modbus(address, clock, deadline);
  if (address.scheme == "snmp") return open_snmp(address, clock, deadline);
  return Error{Errc::unsupported,
               "this build has no transport for \"" + address.scheme + "\" ports"};
}

}  // namespace kw::drivers
