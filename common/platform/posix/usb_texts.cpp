#include "common/platform/usb_texts.hpp"

#include <array>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "common/platform/posix/descriptor.hpp"

namespace kw::platform {
namespace {

/// A device's text has at most 126 characters; sysfs shows it as UTF-8 and ends the line.
std::string attribute(const std::string& path, std::string_view name) {
  const auto file = "/sys/bus/usb/devices/" + path + "/" + std::string{name};
  const Descriptor fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return {};
  std::array<char, 512> text{};
  const auto got = ::read(fd.get(), text.data(), text.size());
  std::string out{text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  while (!out.empty() && static_cast<unsigned char>(out.back()) <= ' ') out.pop_back();
  return out;
}

}  // namespace

UsbTexts usb_texts(const std::string& path, std::uint16_t /*vendor*/, std::uint16_t /*product*/) {
  UsbTexts out;
  if (path.empty() || path.find('/') != std::string::npos) return out;
  out.manufacturer = attribute(path, "manufacturer");
  out.product = attribute(path, "product");
  if (auto serial = attribute(path, "serial"); !serial.empty()) {
    out.serials.push_back(std::move(serial));
  }
  return out;
}

}  // namespace kw::platform
