#include "drivers/ports/usb_library.hpp"

#include <array>
#include <span>

#include <fmt/format.h>

namespace kw::drivers::usb {
namespace {

struct FreeConfiguration {
  void operator()(libusb_config_descriptor* one) const { libusb_free_config_descriptor(one); }
};
using Configuration = std::unique_ptr<libusb_config_descriptor, FreeConfiguration>;

/// USB 2.0, 4.1.1: seven tiers, the root hub's is the first.
constexpr int deepest = 7;

std::string path_of(libusb_device* device) {
  std::array<std::uint8_t, deepest> ports{};
  const int depth = libusb_get_port_numbers(device, ports.data(), deepest);
  std::string out = std::to_string(libusb_get_bus_number(device));
  for (int i = 0; i < depth; ++i) {
    out += (i == 0 ? "-" : ".") + std::to_string(ports[static_cast<std::size_t>(i)]);
  }
  return out;
}

/// The one in use; a device that nobody has configured yet: its first.
Configuration configuration_of(libusb_device* device) {
  libusb_config_descriptor* found = nullptr;
  if (libusb_get_active_config_descriptor(device, &found) != 0 &&
      libusb_get_config_descriptor(device, 0, &found) != 0) {
    return nullptr;
  }
  return Configuration{found};
}

UsbFunction function_of(const libusb_interface_descriptor& from) {
  UsbFunction out;
  out.number = from.bInterfaceNumber;
  out.alternate = from.bAlternateSetting;
  out.type = from.bInterfaceClass;
  out.subtype = from.bInterfaceSubClass;
  out.protocol = from.bInterfaceProtocol;
  for (const auto& one : std::span{from.endpoint, from.bNumEndpoints}) {
    out.endpoints.push_back({one.bEndpointAddress,
                             static_cast<UsbEndpoint::Kind>(one.bmAttributes & 3),
                             // Above bit 10: transactions a microframe, isochronous and interrupt.
                             static_cast<std::uint16_t>(one.wMaxPacketSize & 0x7ff)});
  }
  return out;
}

}  // namespace

Result<Context> make_context() {
  libusb_context* made = nullptr;
  const int code = libusb_init(&made);
  if (code != 0) return error(code, "usb");
  return Context{made};
}

Result<std::vector<Device>> devices(libusb_context* context) {
  libusb_device** list = nullptr;
  const auto count = libusb_get_device_list(context, &list);
  if (count < 0) return error(static_cast<int>(count), "usb");
  std::vector<Device> out;
  for (auto* device : std::span{list, static_cast<std::size_t>(count)}) out.emplace_back(device);
  libusb_free_device_list(list, 0);
  return out;
}

UsbFacts facts_of(libusb_device* device) {
  UsbFacts out;
  libusb_device_descriptor descriptor{};
  if (libusb_get_device_descriptor(device, &descriptor) != 0) return out;
  out.vendor = descriptor.idVendor;
  out.product = descriptor.idProduct;
  out.release = descriptor.bcdDevice;
  out.type = descriptor.bDeviceClass;
  out.path = path_of(device);
  const auto configuration = configuration_of(device);
  if (!configuration) return out;
  for (const auto& one : std::span{configuration->interface, configuration->bNumInterfaces}) {
    const auto count = static_cast<std::size_t>(one.num_altsetting);
    for (const auto& alternate : std::span{one.altsetting, count}) {
      out.functions.push_back(function_of(alternate));
    }
  }
  return out;
}

Error error(int code, const std::string& where) {
  const auto say = [&](Errc meaning, std::string_view text) {
    return Error{meaning, fmt::format("{}: {}", where, text)};
  };
  switch (code) {
    case LIBUSB_ERROR_NO_DEVICE:
    case LIBUSB_ERROR_IO:
      return say(Errc::disconnected, libusb_strerror(code));
    case LIBUSB_ERROR_NOT_FOUND:
      return say(Errc::missing, libusb_strerror(code));
    case LIBUSB_ERROR_BUSY:
      return say(Errc::busy, "another program or driver has claimed it");
    case LIBUSB_ERROR_ACCESS:
      return say(Errc::refused,
                 "no rights to the device; on Linux a udev rule has to give the agent's group "
                 "read and write to it");
    case LIBUSB_ERROR_TIMEOUT:
      return say(Errc::timeout, libusb_strerror(code));
    case LIBUSB_ERROR_PIPE:
    case LIBUSB_ERROR_OVERFLOW:
      return say(Errc::garbled, libusb_strerror(code));
    case LIBUSB_ERROR_INVALID_PARAM:
      return say(Errc::invalid, libusb_strerror(code));
    default:
      return say(Errc::unsupported, libusb_strerror(code));
  }
}

}  // namespace kw::drivers::usb
