#include "agent/ctl/discover/guess.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "agent/ctl/discover/known_usb.hpp"
#include "agent/ctl/discover/messages.hpp"
#include "agent/outbox/fit.hpp"
#include "drivers/catalogue.hpp"
#include "drivers/ports/open.hpp"

namespace kw::agent::ctl {
namespace {

using drivers::UsbAttached;
using platform::SerialPortFacts;

constexpr std::size_t text_limit = 80;  // bytes of a line
constexpr std::uint8_t hub = 0x09;
constexpr std::uint16_t newland = 0x1eab;
constexpr std::uint8_t newland_serial = 0x06;  // low byte of the product id

template <class... Args>
std::string fill(const Text& text, Lang lang, const Args&... args) {
  return fmt::format(fmt::runtime(text.in(lang)), args...);
}

Candidate candidate(std::string name, std::string driver, std::string port, std::string reason,
                    bool sure) {
  Candidate out;
  out.built_in = is_built_in(driver, port);
  out.name = std::move(name);
  out.driver = std::move(driver);
  out.port = std::move(port);
  out.reason = std::move(reason);
  out.sure = sure;
  return out;
}

/// A text of a device in a line of a file: no character of it may end the line or the comment.
std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= ' ' && c != 0x7f) out += c;
  }
  return out;
}

/// Whether a serial number may stand in a port as it is.
bool plain(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
           c == '_' || c == '.';
  });
}

/// "usb:04b8:0e15", with what tells it from others like it.
std::string port_of(const UsbAttached& device, const std::vector<UsbAttached>& all,
                    std::string_view scheme) {
  const auto& facts = device.facts;
  auto out = fmt::format("{}:{:04x}:{:04x}", scheme, facts.vendor, facts.product);
  const auto alike = std::ranges::count_if(all, [&](const UsbAttached& other) {
    return other.facts.vendor == facts.vendor && other.facts.product == facts.product;
  });
  if (alike < 2) return out;
  const bool own_serial = device.serials.size() == 1 && plain(device.serials.front()) &&
                          std::ranges::count_if(all, [&](const UsbAttached& other) {
                            return other.has_serial(device.serials.front());
                          }) == 1;
  return out + (own_serial ? "?serial=" + device.serials.front() : "?path=" + facts.path);
}

/// What is looked up for one device, and how it is said.
class UsbGuess {
 public:
  UsbGuess(const UsbAttached& device, const std::vector<UsbAttached>& all,
           const std::vector<SerialPortFacts>& serial, Lang lang)
      : device_(device), all_(all), serial_(serial), lang_(lang) {}

  Found found() {
    const auto& facts = device_.facts;
    const auto numbers = fmt::format("{:04x}:{:04x}", facts.vendor, facts.product);
    out_.what = fill(message::found_usb, lang_, numbers, facts.path);
    const auto both = device_.manufacturer.empty() || device_.product.empty()
                          ? device_.manufacturer + device_.product
                          : device_.manufacturer + " " + device_.product;
    out_.text = fitting(one_line(both), text_limit);
    if (const auto* row = find_usb(facts.vendor, facts.product); row != nullptr) {
      by_row(*row);
    } else {
      by_class();
    }
    if (out_.candidates.empty() && out_.note.empty()) out_.note = message::note_unknown.in(lang_);
    return std::move(out_);
  }

 private:
  std::string port(std::string_view scheme) const { return port_of(device_, all_, scheme); }

  void add(std::string name, std::string driver, std::string port, std::string reason,
           bool sure = true) {
    out_.candidates.push_back(
        candidate(std::move(name), std::move(driver), std::move(port), std::move(reason), sure));
  }

  void add_presence(std::string_view kind, const Text& words, const std::string& why,
                    bool sure = true) {
    std::string name{kind};
    std::ranges::replace(name, '_', '-');
    add(std::move(name), "presence", port("usb-list"), fill(words, lang_, why), sure);
    out_.candidates.back().settings.emplace_back("kind", kind);
  }

  void by_row(const KnownUsb& row) {
    const auto& facts = device_.facts;
    by_kind(row.kind,
            row.product ? fill(message::why_product, lang_, row.maker)
                        : fill(message::why_vendor, lang_, row.maker, row.vendor),
            row);
    // A vendor makes other things too: only a function of that class is such a printer.
    const bool prints = row.kind == UsbKind::receipt_printer || row.kind == UsbKind::laser_printer;
    if (prints && !facts.has_function(0x07)) out_.candidates.clear();
  }

  void by_class() {
    for (const auto& function : device_.facts.functions) {
      const auto kind = kind_of_class(function.type, function.subtype, function.protocol);
      if (!kind) continue;
      return by_kind(*kind, fill(message::why_class, lang_, function.type), {});
    }
  }

  void by_kind(UsbKind kind, const std::string& why, const KnownUsb& row) {
    switch (kind) {
      case UsbKind::id_reader:
        return add("id-reader", "sdt", port("usb"), why);
      case UsbKind::scanner:
        return scanner(why);
      case UsbKind::bridge:
        return bridge(why);
      case UsbKind::touch_screen:
        return add_presence("touch_screen", message::why_presence, why);
      case UsbKind::fingerprint:
        return add_presence("fingerprint", message::why_presence, why);
      case UsbKind::camera:
        return add_presence("camera", message::why_presence, why);
      case UsbKind::receipt_printer:
        add("receipt-printer", std::string{row.driver}, port("usb"),
            fill(message::why_printer, lang_, why));
        if (!row.model.empty()) out_.candidates.back().settings.emplace_back("model", row.model);
        return;
      case UsbKind::printer:
        return add("receipt-printer", "escpos", port("usb"), fill(message::why_printer, lang_, why),
                   false);
      case UsbKind::laser_printer:
        return add("laser-printer", "ipp", "ipp://localhost:60000/ipp/print",
                   fill(message::why_laser, lang_, why), false);
      case UsbKind::card_reader:
        return add("card-reader", "pcsc", "pcsc:" + reader_name(),
                   fill(message::why_card_reader, lang_, why));
      case UsbKind::keyboard:
        return add_presence("keypad", message::why_presence,
                            std::string{message::why_keyboard.in(lang_)}, false);
    }
  }

  void scanner(const std::string& why) {
    const auto& facts = device_.facts;
    const bool serial_mode =
        (facts.vendor == newland && static_cast<std::uint8_t>(facts.product) == newland_serial) ||
        facts.has_function(0x02);  // communications device
    const auto& words = serial_mode ? message::why_serial_scanner : message::why_presence;
    add_presence("scanner", words, why);
  }

  void bridge(const std::string& why) {
    std::string ports;
    for (const auto& one : serial_) {
      if (one.path != device_.facts.path) continue;
      ports += (ports.empty() ? "" : ", ") + one.device;
    }
    out_.note = ports.empty() ? fill(message::note_bridge_alone, lang_, why)
                              : fill(message::note_bridge, lang_, why, ports);
  }

  /// PC/SC names a reader by its texts; more than one of a kind gets a number behind that.
  std::string reader_name() const {
    if (device_.manufacturer.empty() || device_.product.empty()) return {};
    return one_line(device_.manufacturer + " " + device_.product);
  }

  const UsbAttached& device_;
  const std::vector<UsbAttached>& all_;
  const std::vector<SerialPortFacts>& serial_;
  Lang lang_;
  Found out_;
};

/// What may hang on a serial port, the likeliest first, each with its usual line.
struct OnSerial {
  std::string_view driver;
  std::string_view name;
  std::string_view line;
  Text what;
};
constexpr std::array on_serial{
    OnSerial{"sdt", "id-reader", "?baud=115200", message::kind_sdt},
    OnSerial{"escpos", "receipt-printer", "?baud=9600", message::kind_escpos},
    OnSerial{"crt310", "card-reader", "?baud=9600", message::kind_crt310},
    OnSerial{"f2", "card-dispenser", "?baud=9600", message::kind_f2},
    OnSerial{"zt588", "keypad", "?baud=9600&flow=rtscts", message::kind_zt588},
    OnSerial{"scanner", "scanner", "?baud=9600", message::kind_scanner},
};

/// What listens at a network port.
struct OnNetwork {
  unsigned port;
  bool asked;  ///< it was asked in its protocol; else only found open
  std::string_view driver;
  std::string_view name;
  std::string_view address;
  Text what;
};
constexpr std::array on_network{
    OnNetwork{631, true, "ipp", "laser-printer", "ipp://{}/ipp/print", message::kind_ipp},
    OnNetwork{161, true, "snmp", "laser-printer", "snmp://{}", message::kind_snmp},
    OnNetwork{9100, false, "escpos", "receipt-printer", "tcp://{}:9100", message::kind_escpos},
    OnNetwork{502, false, "modbus", "cabinet", "modbus+tcp://{}:502", message::kind_modbus},
};

}  // namespace

bool is_built_in(const std::string& driver, const std::string& port) {
  const auto* card = drivers::find(driver);
  const auto address = drivers::PortAddress::parse(port);
  return card != nullptr && address && drivers::fits(*card, address->scheme);
}

std::vector<Found> guess_usb(const std::vector<UsbAttached>& attached,
                             const std::vector<SerialPortFacts>& serial, Lang lang) {
  std::vector<Found> out;
  for (const auto& device : attached) {
    if (device.facts.type == hub) continue;
    out.push_back(UsbGuess{device, attached, serial, lang}.found());
  }
  return out;
}

std::vector<Found> guess_serial(const std::vector<SerialPortFacts>& serial, Lang lang) {
  std::vector<Found> out;
  for (const auto& one : serial) {
    Found found;
    found.what = fill(message::found_serial, lang, one.device);
    if (one.vendor != 0) found.text = fmt::format("USB {:04x}:{:04x}", one.vendor, one.product);
    const auto& device = one.lasting.empty() ? one.device : one.lasting;
    for (const auto& row : on_serial) {
      found.candidates.push_back(candidate(std::string{row.name}, std::string{row.driver},
                                           fmt::format("serial:{}{}", device, row.line),
                                           fill(message::why_serial, lang, row.what.in(lang)),
                                           false));
    }
    out.push_back(std::move(found));
  }
  return out;
}

Found guess_network(const std::string& host, unsigned port, Lang lang) {
  Found out;
  out.what = fill(message::found_network, lang, host, port);
  const auto row = std::ranges::find(on_network, port, &OnNetwork::port);
  if (row == on_network.end()) return out;
  const auto bracketed = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const auto& words = row->asked ? message::why_port : message::why_open;
  out.candidates.push_back(candidate(std::string{row->name}, std::string{row->driver},
                                     fmt::format(fmt::runtime(row->address), bracketed),
                                     fill(words, lang, port, row->what.in(lang)), row->asked));
  return out;
}

}  // namespace kw::agent::ctl
