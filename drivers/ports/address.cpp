#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "drivers/ports/open.hpp"

namespace kw::drivers {
namespace {

constexpr std::string_view serial_example = "serial:/dev/ttyS0?baud=9600";
constexpr std::string_view tcp_example = "tcp://192.0.2.10:9100";

/// An option and every value it may have.
struct Option {
  std::string_view name;
  std::span<const std::string_view> values;
};

constexpr std::array<std::string_view, 10> bauds{"1200",  "2400",  "4800",   "9600",   "19200",
                                                 "38400", "57600", "115200", "230400", "460800"};
constexpr std::array<std::string_view, 2> data_bits{"7", "8"};
constexpr std::array<std::string_view, 3> parities{"none", "even", "odd"};
constexpr std::array<std::string_view, 2> stop_bits{"1", "2"};
constexpr std::array<std::string_view, 3> flows{"none", "rtscts", "xonxoff"};
constexpr std::array serial_options{Option{"baud", bauds}, Option{"data", data_bits},
                                    Option{"parity", parities}, Option{"stop", stop_bits},
                                    Option{"flow", flows}};

/// Schemes whose drivers are not in this build: they parse, so that a configuration that names them
/// can be checked; opening says unsupported.
constexpr std::array<std::string_view, 6> other_schemes{"usb",  "ipp",        "snmp",
                                                        "pcsc", "modbus+tcp", "nut"};

Error wrong(std::string_view text, std::string_view what, std::string_view example) {
  return Error{Errc::invalid, fmt::format("port \"{}\": {}; example: {}", text, what, example)};
}

std::string joined(std::span<const std::string_view> words) {
  std::string out;
  for (const auto word : words) {
    if (!out.empty()) out += ", ";
    out += word;
  }
  return out;
}

std::optional<std::uint16_t> port_number(std::string_view text) {
  std::uint16_t value = 0;
  const char* const start = text.data();
  const char* const end = start + text.size();
  const auto parsed = std::from_chars(start, end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end || value == 0) return std::nullopt;
  return value;
}

/// Fills `options` from "a=1&b=2"; what is wrong, or nothing.
std::optional<std::string> read_options(std::string_view query, PortAddress& out) {
  while (!query.empty()) {
    const auto amp = query.find('&');
    const auto pair = query.substr(0, amp);
    query = amp == std::string_view::npos ? std::string_view{} : query.substr(amp + 1);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return fmt::format("option \"{}\" is not NAME=VALUE", pair);
    }
    const auto name = pair.substr(0, equals);
    if (!out.options.emplace(name, pair.substr(equals + 1)).second) {
      return fmt::format("option \"{}\" is given twice", name);
    }
  }
  return std::nullopt;
}

std::optional<std::string> check_serial_options(const PortAddress& address) {
  for (const auto& [name, value] : address.options) {
    const auto row = std::ranges::find(serial_options, name, &Option::name);
    if (row == serial_options.end()) {
      return fmt::format("unknown option \"{}\" (known: baud, data, parity, stop, flow)", name);
    }
    if (std::ranges::find(row->values, value) == row->values.end()) {
      return fmt::format("{} = \"{}\" is not one of {}", name, value, joined(row->values));
    }
  }
  return std::nullopt;
}

Result<PortAddress> serial_address(std::string_view text, std::string_view rest, PortAddress out) {
  if (!rest.starts_with('/') && !rest.starts_with("COM")) {
    return wrong(text, "a serial port is named by its device path", serial_example);
  }
  out.host = rest;
  if (const auto bad = check_serial_options(out)) return wrong(text, *bad, serial_example);
  return out;
}

Result<PortAddress> tcp_address(std::string_view text, std::string_view rest, PortAddress out) {
  if (!rest.starts_with("//")) return wrong(text, "\"//\" is missing after tcp:", tcp_example);
  rest.remove_prefix(2);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || rest.ends_with(']')) {
    return wrong(text, "the port number is missing", tcp_example);
  }
  auto host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong(text, "an IPv6 address stands in brackets", "tcp://[2001:db8::10]:9100");
  }
  if (host.empty()) return wrong(text, "the host is missing", tcp_example);
  const auto number = port_number(rest.substr(colon + 1));
  if (!number) {
    return wrong(text,
                 fmt::format("\"{}\" is not a port number from 1 to 65535", rest.substr(colon + 1)),
                 tcp_example);
  }
  if (!out.options.empty()) return wrong(text, "tcp has no options", tcp_example);
  out.host = host;
  out.port = *number;
  return out;
}

}  // namespace

Result<PortAddress> PortAddress::parse(std::string_view text) {
  PortAddress out;
  if (text == "-") {
    out.scheme = "-";
    return out;
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return wrong(text, "no scheme before a colon",
                 fmt::format("{}, {} or -", serial_example, tcp_example));
  }
  out.scheme = text.substr(0, colon);
  const auto question = text.find('?', colon);
  const auto rest =
      text.substr(colon + 1, question == std::string_view::npos ? std::string_view::npos
                                                                : question - colon - 1);
  if (question != std::string_view::npos) {
    if (const auto bad = read_options(text.substr(question + 1), out)) {
      return wrong(text, *bad, serial_example);
    }
  }
  if (out.scheme == "serial") return serial_address(text, rest, std::move(out));
  if (out.scheme == "tcp") return tcp_address(text, rest, std::move(out));
  if (std::ranges::find(other_schemes, out.scheme) == other_schemes.end()) {
    return wrong(text,
                 fmt::format("unknown scheme \"{}\" (known: serial, tcp, {}, -)", out.scheme,
                             joined(other_schemes)),
                 serial_example);
  }
  out.host = rest.starts_with("//") ? rest.substr(2) : rest;
  return out;
}

}  // namespace kw::drivers
