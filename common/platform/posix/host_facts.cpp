#include "common/platform/host_facts.hpp"

#include <array>
#include <fstream>
#include <string_view>

#include <unistd.h>

#include "common/identity/keys.hpp"
#include "common/identity/random.hpp"

namespace kw::platform {
namespace {

constexpr std::size_t boot_id_bytes = 16;

std::string boot_id() {
  std::ifstream in{"/proc/sys/kernel/random/boot_id"};
  std::string text;
  in >> text;
  std::erase(text, '-');
  auto bytes = identity::from_hex(text);
  if (bytes && bytes->size() == boot_id_bytes) return std::move(*bytes);
  // Without one every start counts as a boot: too many boots are better than a boot unseen.
  return identity::random_bytes(boot_id_bytes);
}

std::string hostname() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

std::string os_name() {
  std::ifstream in{"/etc/os-release"};
  constexpr std::string_view key = "PRETTY_NAME=";
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(key)) continue;
    auto value = line.substr(key.size());
    std::erase(value, '"');
    return value;
  }
  return "Linux";
}

}  // namespace

HostFacts host_facts() { return {boot_id(), hostname(), os_name()}; }

}  // namespace kw::platform
