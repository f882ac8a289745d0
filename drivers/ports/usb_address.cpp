#include "drivers/ports/usb_address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/filled.hpp"
#include "drivers/ports/messages.hpp"

namespace kw::drivers {
namespace {

constexpr std::array<std::string_view, 6> options_of_usb{"serial", "path", "interface",
                                                         "out",    "in",   "detach"};
constexpr std::array<std::string_view, 2> options_of_list{"serial", "path"};

std::optional<unsigned> number(std::string_view text, int base) {
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value, base);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return value;
}

std::optional<std::uint16_t> id(std::string_view text) {
  const auto value = text.size() <= 4 ? number(text, 16) : std::nullopt;
  if (!value) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

/// "0x81" or "129".
std::optional<std::uint8_t> byte(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const auto value = hex ? number(text.substr(2), 16) : number(text, 10);
  if (!value || *value > 0xff) return std::nullopt;
  return static_cast<std::uint8_t>(*value);
}

/// What is wrong with it, or nothing.
std::optional<Bilingual> read_option(std::string_view name, const std::string& value,
                                     UsbAddress& out) {
  if (name == "serial" || name == "path") {
    if (value.empty()) return filled(message::is_empty, name);
    (name == "serial" ? out.serial : out.path) = value;
    return std::nullopt;
  }
  if (name == "detach") {
    if (value != "true" && value != "false") {
      return filled(message::not_one_of, name, value, "true, false");
    }
    out.detach = value == "true";
    return std::nullopt;
  }
  const auto given = byte(value);
  if (!given) return filled(message::not_a_byte, name, value);
  if (name == "interface") {
    out.function = given;
    return std::nullopt;
  }
  const bool from_device = (*given & 0x80) != 0;
  if (from_device != (name == "in") || (*given & 0x0f) == 0) {
    const bool in = name == "in";
    return filled(message::not_an_endpoint, name, value, in ? "0x81" : "0x01",
                  in ? "0x8f" : "0x0f");
  }
  (name == "in" ? out.in : out.out) = given;
  return std::nullopt;
}

}  // namespace

std::string UsbAddress::text() const { return fmt::format("usb:{:04x}:{:04x}", vendor, product); }

Checked<UsbAddress> usb_address(const PortAddress& address) {
  const auto colon = address.host.find(':');
  const auto vendor = id(std::string_view{address.host}.substr(0, colon));
  const auto product = colon == std::string::npos
                           ? std::nullopt
                           : id(std::string_view{address.host}.substr(colon + 1));
  if (!vendor || !product) {
    return message::usb_numbers;
  }
  UsbAddress out;
  out.vendor = *vendor;
  out.product = *product;
  const std::span<const std::string_view> known =
      address.scheme == "usb" ? std::span<const std::string_view>{options_of_usb}
                              : std::span<const std::string_view>{options_of_list};
  for (const auto& [name, value] : address.options) {
    if (std::ranges::find(known, name) == known.end()) {
      return filled(message::unknown_option, name, fmt::format("{}", fmt::join(known, ", ")));
    }
    if (auto bad = read_option(name, value, out)) return std::move(*bad);
  }
  return out;
}

}  // namespace kw::drivers
