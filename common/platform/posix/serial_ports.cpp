#include "common/platform/serial_ports.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <memory>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/platform/posix/descriptor.hpp"

namespace kw::platform {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, CloseFolder> folder{::opendir(path.c_str())};
  if (!folder) return out;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name{entry->d_name};
    if (!name.starts_with('.')) out.emplace_back(name);
  }
  std::ranges::sort(out);
  return out;
}

std::string resolved(const std::string& path) {
  std::array<char, PATH_MAX> out{};
  return ::realpath(path.c_str(), out.data()) == nullptr ? std::string{} : std::string{out.data()};
}

std::string first_word(const std::string& file) {
  const Descriptor fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return {};
  std::array<char, 64> text{};
  const auto got = ::read(fd.get(), text.data(), text.size());
  std::string out{text.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
  return out.substr(0, out.find_first_of(" \n"));
}

std::uint16_t hex_in(const std::string& file) {
  const auto text = first_word(file);
  std::uint16_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return out;
}

/// Goes up from a port's device to the USB device that it is a part of, if any.
void find_adapter(std::string place, SerialPortFacts& out) {
  while (place.find("/devices/") != std::string::npos) {
    if (const auto vendor = hex_in(place + "/idVendor"); vendor != 0) {
      out.vendor = vendor;
      out.product = hex_in(place + "/idProduct");
      out.path = place.substr(place.rfind('/') + 1);
      return;
    }
    place.erase(place.rfind('/'));
  }
}

/// The kernel makes more UARTs than a machine has: those have no chip.
bool is_real(const std::string& folder) {
  const auto type = first_word(folder + "/type");
  return type.empty() || type != "0";
}

}  // namespace

std::vector<SerialPortFacts> serial_ports() {
  const std::string all = "/sys/class/tty/";
  std::vector<SerialPortFacts> out;
  for (const auto& name : names_in(all)) {
    // A console or pseudo-terminal has no device behind it.
    const auto place = resolved(all + name + "/device");
    if (place.empty() || !is_real(all + name)) continue;
    SerialPortFacts one;
    one.device = "/dev/" + name;
    find_adapter(place, one);
    out.push_back(std::move(one));
  }
  const std::string lasting = "/dev/serial/by-id/";
  for (const auto& name : names_in(lasting)) {
    const auto target = resolved(lasting + name);
    const auto at = std::ranges::find(out, target, &SerialPortFacts::device);
    if (at != out.end()) at->lasting = lasting + name;
  }
  return out;
}

bool serial_device_exists(const std::string& device) {
  struct stat facts{};
  return ::stat(device.c_str(), &facts) == 0 && S_ISCHR(facts.st_mode);
}

}  // namespace kw::platform
