#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "drivers/ports/open.hpp"
#include "drivers/ports/usb_address.hpp"

namespace kw::drivers {
namespace {

constexpr std::string_view serial_example = "serial:/dev/ttyS0?baud=9600";
constexpr std::string_view tcp_example = "tcp://192.0.2.10:9100";
constexpr std::string_view ipp_example = "ipp://192.0.2.10/ipp/print";
constexpr std::string_view usb_example = "usb:04b8:0e15";
constexpr std::uint16_t ipp_port = 631;
constexpr std::string_view ipp_path = "/ipp/print";  // PWG 5100.14: where every printer answers

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
constexpr std::array<std::string_view, 4> other_schemes{"snmp", "pcsc", "modbus+tcp", "nut"};

/// A mistake's text goes to logs, bundles and the collector: never with somebody's password.
std::string shown(std::string_view text) {
  const auto scheme = text.find("://");
  const auto at = text.rfind('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos || at < scheme) {
    return std::string{text};
  }
  return std::string{text.substr(0, scheme + 3)} + "***" + std::string{text.substr(at)};
}

Error wrong(std::string_view text, std::string_view what, std::string_view example) {
  return Error{Errc::invalid,
               fmt::format("port \"{}\": {}; example: {}", shown(text), what, example)};
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

/// Takes "host:port" apart; without a port number `fallback` is taken, or it is a mistake when that
/// is 0.
Result<PortAddress> network_address(std::string_view text, std::string_view rest,
                                    std::uint16_t fallback, std::string_view example,
                                    PortAddress out) {
  auto colon = rest.rfind(':');
  const bool no_number = colon == std::string_view::npos || rest.ends_with(']');
  if (no_number && fallback == 0) return wrong(text, "the port number is missing", example);
  if (no_number) colon = rest.size();
  auto host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong(
        text, "an IPv6 address stands in brackets",
        fmt::format("{}://[2001:db8::10]:{}", out.scheme, fallback == 0 ? 9100 : fallback));
  }
  if (host.empty()) return wrong(text, "the host is missing", example);
  out.host = host;
  out.port = fallback;
  if (!no_number) {
    const auto number = port_number(rest.substr(colon + 1));
    if (!number) {
      return wrong(
          text, fmt::format("\"{}\" is not a port number from 1 to 65535", rest.substr(colon + 1)),
          example);
    }
    out.port = *number;
  }
  if (!out.options.empty()) {
    return wrong(text, fmt::format("{} has no options", out.scheme), example);
  }
  return out;
}

Result<PortAddress> tcp_address(std::string_view text, std::string_view rest, PortAddress out) {
  if (!rest.starts_with("//")) return wrong(text, "\"//\" is missing after tcp:", tcp_example);
  return network_address(text, rest.substr(2), 0, tcp_example, std::move(out));
}

Result<PortAddress> ipp_address(std::string_view text, std::string_view rest, PortAddress out) {
  if (!rest.starts_with("//")) return wrong(text, "\"//\" is missing after ipp:", ipp_example);
  rest.remove_prefix(2);
  const auto slash = std::min(rest.find('/'), rest.size());
  out.path = rest.substr(slash);
  if (out.path.size() <= 1) out.path = ipp_path;
  // It goes into the first line of a request as it is.
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c > '~'; })) {
    return wrong(text, "only printable ASCII without spaces", ipp_example);
  }
  return network_address(text, rest.substr(0, slash), ipp_port, ipp_example, std::move(out));
}

Result<PortAddress> usb_port_address(std::string_view text, std::string_view rest,
                                     PortAddress out) {
  out.host = rest;
  std::ranges::transform(out.host, out.host.begin(),
                         [](char c) { return c >= 'A' && c <= 'F' ? char(c + 32) : c; });
  const auto read = usb_address(out);
  if (!read) return wrong(text, read.error().text(), usb_example);
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
  if (text.find("://") != std::string_view::npos && text.find('@') != std::string_view::npos) {
    return wrong(text, "user and password are not supported here",
                 out.scheme == "tcp" ? tcp_example : ipp_example);
  }
  if (out.scheme == "serial") return serial_address(text, rest, std::move(out));
  if (out.scheme == "tcp") return tcp_address(text, rest, std::move(out));
  if (out.scheme == "ipp") return ipp_address(text, rest, std::move(out));
  if (out.scheme == "usb" || out.scheme == "usb-list") {
    return usb_port_address(text, rest, std::move(out));
  }
  if (out.scheme == "ipps") {
    return wrong(text, "IPP over TLS is not supported; use ipp", ipp_example);
  }
  if (std::ranges::find(other_schemes, out.scheme) == other_schemes.end()) {
    return wrong(
        text,
        fmt::format("unknown scheme \"{}\" (known: serial, tcp, ipp, usb, usb-list, {}, -)",
                    out.scheme, joined(other_schemes)),
        serial_example);
  }
  out.host = rest.starts_with("//") ? rest.substr(2) : rest;
  return out;
}

bool may_be_unplugged(std::string_view port) {
  constexpr std::array<std::string_view, 4> local{"usb", "usb-list", "serial", "pcsc"};
  return std::ranges::find(local, port.substr(0, port.find(':'))) != local.end();
}

}  // namespace kw::drivers
