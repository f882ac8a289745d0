#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/i18n.hpp"

namespace kw::agent::ctl {

/// What a USB device may be.
enum class UsbKind : std::uint8_t {
  id_reader,  ///< 二代证阅读器 with the SDT module
  scanner,
  bridge,  ///< a serial adapter: what hangs on it is not known
  touch_screen,
  fingerprint,
  camera,
  receipt_printer,
  laser_printer,
  printer,  ///< of the printer class, which of the two is not known
  card_reader,
  keyboard,  ///< a keypad, a scanner or a keyboard
};

/// What the product id or only the vendor id tells.
struct KnownUsb {
  std::uint16_t vendor;
  std::optional<std::uint16_t> product;  ///< empty: any of this vendor
  UsbKind kind;
  std::string_view maker;
  std::string_view model = {};         ///< of the driver's profiles; empty: none
  std::string_view driver = "escpos";  ///< of a receipt printer
};

/// The row of this product, else of this vendor; null: unknown.
const KnownUsb* find_usb(std::uint16_t vendor, std::uint16_t product);

/// What a function's class tells (usb.org, class codes); empty: nothing of use.
std::optional<UsbKind> kind_of_class(std::uint8_t type, std::uint8_t subtype,
                                     std::uint8_t protocol);

}  // namespace kw::agent::ctl
