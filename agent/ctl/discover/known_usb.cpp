// Vendors: usb.ids. SDT readers: reading devices, section 1.4. Newland's modes: section 5.
// Printers' profiles: drivers/receipt_printer/escpos/profiles.
#include "agent/ctl/discover/known_usb.hpp"

#include <algorithm>
#include <array>

namespace kw::agent::ctl {
namespace {

using enum UsbKind;

constexpr std::array rows{
    // ID card readers: products only, since 0400 is National Semiconductor's and 10c4 a bridge's.
    KnownUsb{0x0400, 0xc35a, id_reader, "SDT/SAM-V"},
    KnownUsb{0x10c4, 0x8a1b, id_reader, "信通 Senter"},
    KnownUsb{0x2015, 0x0008, id_reader, "森锐"},
    KnownUsb{0x9573, 0x4836, id_reader, "亿数"},
    // Serial adapters.
    KnownUsb{0x1a86, 0x7523, bridge, "WCH CH340"},
    KnownUsb{0x1a86, 0x5523, bridge, "WCH CH341"},
    KnownUsb{0x1a86, 0x55d4, bridge, "WCH CH9102"},
    KnownUsb{0x0403, 0x6001, bridge, "FTDI FT232"},
    KnownUsb{0x0403, 0x6010, bridge, "FTDI FT2232"},
    KnownUsb{0x0403, 0x6011, bridge, "FTDI FT4232"},
    KnownUsb{0x0403, 0x6014, bridge, "FTDI FT232H"},
    KnownUsb{0x0403, 0x6015, bridge, "FTDI FT-X"},
    KnownUsb{0x067b, 0x2303, bridge, "Prolific PL2303"},
    KnownUsb{0x10c4, 0xea60, bridge, "Silicon Labs CP210x"},
    KnownUsb{0x10c4, 0xea70, bridge, "Silicon Labs CP2105"},
    KnownUsb{0x0483, 0x5740, bridge, "STM32 virtual COM port"},
    // Scanners.
    KnownUsb{0x1eab, {}, scanner, "Newland"},
    KnownUsb{0x0c2e, {}, scanner, "Honeywell/Metrologic"},
    KnownUsb{0x05e0, {}, scanner, "Symbol/Zebra"},
    KnownUsb{0x05f9, {}, scanner, "Datalogic/PSC"},
    // Touch screens.
    KnownUsb{0x0eef, {}, touch_screen, "eGalax/D-WAV"},
    KnownUsb{0x222a, {}, touch_screen, "ILITEK"},
    KnownUsb{0x0596, {}, touch_screen, "3M/MicroTouch"},
    KnownUsb{0x04e7, {}, touch_screen, "Elo"},
    // Fingerprint readers.
    KnownUsb{0x05ba, {}, fingerprint, "DigitalPersona"},
    KnownUsb{0x1162, {}, fingerprint, "SecuGen"},
    KnownUsb{0x1491, {}, fingerprint, "Futronic"},
    KnownUsb{0x147e, {}, fingerprint, "Upek"},
    // Printers that are of the printer class, by who makes which.
    KnownUsb{0x04b8, {}, receipt_printer, "Epson", "epson"},
    KnownUsb{0x154f, {}, receipt_printer, "SNBC", "snbc-btp-r580"},
    KnownUsb{0x0dd4, {}, receipt_printer, "Custom", "custom-kpm"},
    KnownUsb{0x0519, {}, receipt_printer, "Star", {}, "star"},
    KnownUsb{0x03f0, {}, laser_printer, "HP"},
    KnownUsb{0x04a9, {}, laser_printer, "Canon"},
    KnownUsb{0x04f9, {}, laser_printer, "Brother"},
    KnownUsb{0x0482, {}, laser_printer, "Kyocera"},
    KnownUsb{0x043d, {}, laser_printer, "Lexmark"},
    KnownUsb{0x04e8, {}, laser_printer, "Samsung"},
    KnownUsb{0x05ca, {}, laser_printer, "Ricoh"},
    KnownUsb{0x232b, {}, laser_printer, "Pantum"},
};

}  // namespace

const KnownUsb* find_usb(std::uint16_t vendor, std::uint16_t product) {
  const KnownUsb* of_vendor = nullptr;
  for (const auto& row : rows) {
    if (row.vendor != vendor) continue;
    if (row.product == product) return &row;
    if (!row.product) of_vendor = &row;
  }
  return of_vendor;
}

std::optional<UsbKind> kind_of_class(std::uint8_t type, std::uint8_t subtype,
                                     std::uint8_t protocol) {
  switch (type) {
    case 0x03:  // HID; a boot interface says whether it is a keyboard
      if (subtype == 1 && protocol == 1) return keyboard;
      return std::nullopt;
    case 0x07:
      return printer;
    case 0x0b:
      return card_reader;
    case 0x0e:
      return camera;
    default:
      return std::nullopt;
  }
}

}  // namespace kw::agent::ctl
