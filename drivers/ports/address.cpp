#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "common/filled.hpp"
#include "common/secret_names.hpp"
#include "drivers/ports/messages.hpp"
#include "drivers/ports/open.hpp"
#include "drivers/ports/snmp_session.hpp"
#include "drivers/ports/usb_address.hpp"

namespace kw::drivers {
namespace {

/// Reads the same in both languages.
constexpr Text code(std::string_view text) { return {text, text}; }

constexpr Text serial_example = code("serial:/dev/ttyS0?baud=9600");
constexpr Text tcp_example = code("tcp://192.0.2.10:9100");
constexpr Text ipp_example = code("ipp://192.0.2.10/ipp/print");
constexpr Text usb_example = code("usb:04b8:0e15");
constexpr Text snmp_example = code("snmp://192.0.2.10?community=public&version=2c");
constexpr Text snmp_v3_example =
    code("snmp://192.0.2.10?version=3&user=kiosk&secrets=/etc/kioskwatch/printer.secrets");
constexpr std::uint16_t snmp_port = 161;
constexpr std::uint16_t ipp_port = 631;
constexpr std::uint16_t modbus_port = 502;
constexpr Text nut_example = code("nut://192.0.2.10");
constexpr std::uint16_t nut_port = 3493;
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

/// A mistake's text goes to logs, bundles and the collector: never with somebody's password.
std::string shown(std::string_view whole) {
  std::string text{whole};
  for (auto start = text.find('?'); start != std::string::npos; start = text.find('&', start)) {
    const auto equals = text.find('=', ++start);
    if (equals == std::string::npos) break;
    const auto end = std::min(text.find('&', equals), text.size());
    if (names_a_secret(std::string_view{text}.substr(start, equals - start))) {
      text.replace(equals + 1, end - equals - 1, "***");
    }
  }
  const auto scheme = text.find("://");
  const auto at = text.rfind('@');
  if (scheme == std::string_view::npos || at == std::string_view::npos || at < scheme) {
    return text;
  }
  return text.substr(0, scheme + 3) + "***" + text.substr(at);
}

Bilingual wrong(std::string_view text, const Bilingual& what, const Bilingual& example) {
  return filled(message::wrong_port, shown(text), what, example);
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
std::optional<Bilingual> read_options(std::string_view query, PortAddress& out) {
  while (!query.empty()) {
    const auto amp = query.find('&');
    const auto pair = query.substr(0, amp);
    query = amp == std::string_view::npos ? std::string_view{} : query.substr(amp + 1);
    const auto equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return filled(message::no_assignment, pair);
    }
    const auto name = pair.substr(0, equals);
    if (!out.options.emplace(name, pair.substr(equals + 1)).second) {
      return filled(message::twice, name);
    }
  }
  return std::nullopt;
}

std::optional<Bilingual> check_serial_options(const PortAddress& address) {
  for (const auto& [name, value] : address.options) {
    const auto row = std::ranges::find(serial_options, name, &Option::name);
    if (row == serial_options.end()) {
      return filled(message::unknown_option, name, "baud, data, parity, stop, flow");
    }
    if (std::ranges::find(row->values, value) == row->values.end()) {
      return filled(message::not_one_of, name, value, joined(row->values));
    }
  }
  return std::nullopt;
}

Checked<PortAddress> serial_address(std::string_view text, std::string_view rest,
                                    const Text& example, PortAddress out) {
  if (!rest.starts_with('/') && !rest.starts_with("COM")) {
    return wrong(text, message::not_a_path, example);
  }
  out.host = rest;
  if (const auto bad = check_serial_options(out)) return wrong(text, *bad, example);
  return out;
}

/// Takes "host:port" apart; without a port number `fallback` is taken, or it is a mistake when that
/// is 0.
Checked<PortAddress> network_address(std::string_view text, std::string_view rest,
                                     std::uint16_t fallback, const Text& example, PortAddress out) {
  auto colon = rest.rfind(':');
  const bool no_number = colon == std::string_view::npos || rest.ends_with(']');
  if (no_number && fallback == 0) return wrong(text, message::no_number, example);
  if (no_number) colon = rest.size();
  auto host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong(
        text, message::bare_ipv6,
        fmt::format("{}://[2001:db8::10]:{}", out.scheme, fallback == 0 ? 9100 : fallback));
  }
  if (host.empty()) return wrong(text, message::no_host, example);
  out.host = host;
  out.port = fallback;
  if (!no_number) {
    const auto number = port_number(rest.substr(colon + 1));
    if (!number) {
      return wrong(text, filled(message::bad_number, rest.substr(colon + 1)), example);
    }
    out.port = *number;
  }
  if (!out.options.empty() && out.scheme != "snmp") {
    return wrong(text, filled(message::no_options, out.scheme), example);
  }
  return out;
}

Checked<PortAddress> tcp_address(std::string_view text, std::string_view rest, PortAddress out) {
  if (!rest.starts_with("//"))
    return wrong(text, filled(message::no_slashes_after, "tcp"), tcp_example);
  return network_address(text, rest.substr(2), 0, tcp_example, std::move(out));
}

Checked<PortAddress> ipp_address(std::string_view text, std::string_view rest, PortAddress out) {
  if (!rest.starts_with("//"))
    return wrong(text, filled(message::no_slashes_after, "ipp"), ipp_example);
  rest.remove_prefix(2);
  const auto slash = std::min(rest.find('/'), rest.size());
  out.path = rest.substr(slash);
  if (out.path.size() <= 1) out.path = ipp_path;
  // It goes into the first line of a request as it is.
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c > '~'; })) {
    return wrong(text, message::not_ascii, ipp_example);
  }
  return network_address(text, rest.substr(0, slash), ipp_port, ipp_example, std::move(out));
}

Checked<PortAddress> usb_port_address(std::string_view text, std::string_view rest,
                                      PortAddress out) {
  out.host = rest;
  std::ranges::transform(out.host, out.host.begin(),
                         [](char c) { return c >= 'A' && c <= 'F' ? char(c + 32) : c; });
  const auto read = usb_address(out);
  if (!read) return wrong(text, read.wrong(), usb_example);
  return out;
}

/// RTU frames go over a serial line, or over TCP to a serial server that passes bytes on unread.
Checked<PortAddress> modbus_address(std::string_view text, std::string_view rest, PortAddress out) {
  const bool on_line = out.scheme == "modbus+rtu";
  if (on_line && !rest.starts_with("//")) {
    return serial_address(text, rest, message::modbus_example, std::move(out));
  }
  if (!rest.starts_with("//")) return wrong(text, message::no_slashes, message::modbus_example);
  return network_address(text, rest.substr(2), on_line ? 0 : modbus_port, message::modbus_example,
                         std::move(out));
}

Checked<PortAddress> nut_address(std::string_view text, std::string_view rest, PortAddress out) {
  if (!rest.starts_with("//"))
    return wrong(text, filled(message::no_slashes_after, "nut"), nut_example);
  rest.remove_prefix(2);
  if (rest.find('/') != std::string_view::npos) {
    return wrong(text, message::ups_in_path, nut_example);
  }
  return network_address(text, rest, nut_port, nut_example, std::move(out));
}

/// A reader's name is free text: nothing in it is an option.
Checked<PortAddress> pcsc_address(std::string_view text, std::string_view rest, PortAddress out) {
  if (std::ranges::any_of(rest, [](char c) { return c >= 0 && c < ' '; }) || rest.size() > 127) {
    return wrong(text, message::reader_name, message::pcsc_example);
  }
  out.host = rest;
  return out;
}

Checked<PortAddress> snmp_address(std::string_view text, std::string_view rest, PortAddress out) {
  if (!rest.starts_with("//"))
    return wrong(text, filled(message::no_slashes_after, "snmp"), snmp_example);
  if (const auto bad = complete_snmp_options(out.options, snmp_v3_built_in())) {
    return wrong(text, *bad, out.options.at("version") == "3" ? snmp_v3_example : snmp_example);
  }
  return network_address(text, rest.substr(2), snmp_port, snmp_example, std::move(out));
}

Checked<PortAddress> serial_port_address(std::string_view text, std::string_view rest,
                                         PortAddress out) {
  return serial_address(text, rest, serial_example, std::move(out));
}

struct Scheme {
  std::string_view name;
  Text example;
  /// `text`: the whole address, for mistakes; `rest`: behind the colon, without options.
  Checked<PortAddress> (*read)(std::string_view text, std::string_view rest, PortAddress out);
  /// Everything behind the colon is a name: there are no options.
  bool free_text = false;
};

constexpr std::array schemes{
    Scheme{"serial", serial_example, serial_port_address},
    Scheme{"tcp", tcp_example, tcp_address},
    Scheme{"ipp", ipp_example, ipp_address},
    Scheme{"snmp", snmp_example, snmp_address},
    Scheme{"usb", usb_example, usb_port_address},
    Scheme{"usb-list", usb_example, usb_port_address},
    Scheme{"pcsc", message::pcsc_example, pcsc_address, true},
    Scheme{"modbus+tcp", message::modbus_example, modbus_address},
    Scheme{"modbus+rtu", message::modbus_example, modbus_address},
    Scheme{"nut", nut_example, nut_address},
};

std::string known_names() {
  std::string out;
  for (const auto& scheme : schemes) out.append(scheme.name).append(", ");
  return out + "-";
}

}  // namespace

Checked<PortAddress> PortAddress::parse(std::string_view text) {
  PortAddress out;
  if (text == "-") {
    out.scheme = "-";
    return out;
  }
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return wrong(text, message::no_scheme,
                 filled(message::no_scheme_example, serial_example, tcp_example));
  }
  out.scheme = text.substr(0, colon);
  if (out.scheme == "ipps") {
    return wrong(text, message::no_ipps, ipp_example);
  }
  const auto scheme = std::ranges::find(schemes, out.scheme, &Scheme::name);
  if (scheme == schemes.end()) {
    return wrong(text, filled(message::unknown_scheme, out.scheme, known_names()), serial_example);
  }
  if (scheme->free_text) return scheme->read(text, text.substr(colon + 1), std::move(out));
  const auto question = text.find('?', colon);
  const auto rest =
      text.substr(colon + 1, question == std::string_view::npos ? std::string_view::npos
                                                                : question - colon - 1);
  if (question != std::string_view::npos) {
    if (const auto bad = read_options(text.substr(question + 1), out)) {
      return wrong(text, *bad, scheme->example);
    }
  }
  // Behind the question mark an '@' is a character like others.
  if (rest.starts_with("//") && rest.find('@') != std::string_view::npos) {
    return wrong(text, message::no_user, scheme->example);
  }
  return scheme->read(text, rest, std::move(out));
}

bool may_be_unplugged(std::string_view port) {
  constexpr std::array<std::string_view, 5> local{"usb", "usb-list", "serial", "modbus+rtu",
                                                  "pcsc"};
  return std::ranges::find(local, port.substr(0, port.find(':'))) != local.end();
}

}  // namespace kw::drivers
