#include "drivers/receipt_printer/escpos/usb_class.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace kw::drivers::usb_printer {
namespace {

constexpr std::uint8_t printer_class = 0x07;
constexpr std::uint8_t ask_function = 0xa1;  // class request to an interface, with an answer
constexpr std::uint8_t get_device_id = 0;
constexpr std::uint8_t get_port_status = 1;
constexpr std::size_t longest_id = 1024;
constexpr std::size_t longest_text = 64;

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, longest_text)) {
    if (c >= ' ' && c <= '~') out += c;
  }
  while (out.ends_with(' ')) out.pop_back();
  out.erase(0, std::min(out.find_first_not_of(' '), out.size()));
  return out;
}

}  // namespace

bool fits(const UsbPort& port) { return port.function().type == printer_class; }

Result<wire::Identity> decode_device_id(std::span<const std::uint8_t> answer) {
  const auto garbled = [](std::string_view what) {
    return Error{Errc::garbled, fmt::format("device id: {}", what)};
  };
  if (answer.size() < 2) return garbled("shorter than its length");
  // Big endian by the standard, and it counts itself; some printers send it the other way round.
  const auto big = static_cast<std::size_t>(answer[0] << 8 | answer[1]);
  const auto little = static_cast<std::size_t>(answer[1] << 8 | answer[0]);
  const auto length = big >= 2 && big <= answer.size() ? big : little;
  if (length < 2 || length > answer.size()) return garbled("its length does not fit");
  const auto bytes = answer.subspan(2, length - 2);
  const std::string text{bytes.begin(), bytes.end()};
  wire::Identity out;
  for (std::string_view rest{text}; !rest.empty();) {
    const auto end = std::min(rest.find(';'), rest.size());
    const auto pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto colon = pair.find(':');
    if (colon == std::string_view::npos) continue;
    const auto key = printable(pair.substr(0, colon));
    const auto value = printable(pair.substr(colon + 1));
    if (key == "MFG" || key == "MANUFACTURER") out.vendor = value;
    if (key == "MDL" || key == "MODEL") out.model = value;
    if (key == "SN" || key == "SERN" || key == "SERIALNUMBER") out.serial = value;
  }
  return out;
}

Result<PortStatus> decode_port_status(std::span<const std::uint8_t> answer) {
  if (answer.size() != 1) {
    return Error{Errc::garbled, fmt::format("port status of {} bytes", answer.size())};
  }
  PortStatus out;
  out.byte = answer.front();
  out.paper_empty = (out.byte & 0x20) != 0;
  out.selected = (out.byte & 0x10) != 0;
  out.error = (out.byte & 0x08) == 0;  // "not error"
  return out;
}

Result<wire::Identity> ask_device_id(UsbPort& port, MonoTime deadline) {
  const auto& function = port.function();
  const UsbSetup setup{ask_function, get_device_id, 0,
                       static_cast<std::uint16_t>(function.number << 8 | function.alternate)};
  const auto answer = port.control_in(setup, longest_id, deadline);
  if (!answer) return answer.error();
  return decode_device_id(*answer);
}

Result<PortStatus> ask_port_status(UsbPort& port, MonoTime deadline) {
  const UsbSetup setup{ask_function, get_port_status, 0, port.function().number};
  const auto answer = port.control_in(setup, 1, deadline);
  if (!answer) return answer.error();
  return decode_port_status(*answer);
}

}  // namespace kw::drivers::usb_printer
