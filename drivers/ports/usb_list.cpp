#include "drivers/ports/usb_list.hpp"

#include <algorithm>

#include "common/platform/usb_texts.hpp"
#include "drivers/ports/usb_library.hpp"

namespace kw::drivers {
namespace {

Error nothing_opened() {
  return Error{Errc::unsupported, "usb-list: the device is looked for, not opened"};
}

}  // namespace

bool UsbAttached::has_serial(const std::string& serial) const {
  return std::ranges::find(serials, serial) != serials.end();
}

Result<std::vector<UsbAttached>> list_usb() {
  // One of its own each time: a lasting one is told of changes by a service that may not run.
  const auto context = usb::make_context();
  if (!context) return context.error();
  const auto devices = usb::devices(context->get());
  if (!devices) return devices.error();
  std::vector<UsbAttached> out;
  for (const auto& device : *devices) {
    UsbAttached one;
    one.facts = usb::facts_of(device.get());
    auto texts = platform::usb_texts(one.facts.path, one.facts.vendor, one.facts.product);
    one.manufacturer = std::move(texts.manufacturer);
    one.product = std::move(texts.product);
    one.serials = std::move(texts.serials);
    out.push_back(std::move(one));
  }
  return out;
}

Result<void> UsbListPort::write(std::span<const std::uint8_t> /*bytes*/, MonoTime /*deadline*/) {
  return nothing_opened();
}

Result<std::size_t> UsbListPort::read(std::span<std::uint8_t> /*into*/, MonoTime /*deadline*/) {
  return nothing_opened();
}

}  // namespace kw::drivers
