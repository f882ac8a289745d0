#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "drivers/ports/open.hpp"

namespace kw::drivers {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline const SystemClock real_clock;

inline MonoTime within(Duration d) { return real_clock.mono() + d; }

inline Result<std::unique_ptr<Port>> open_text(const std::string& text) {
  auto address = PortAddress::parse(text);
  if (!address) return std::move(address).error();
  return open_port(*address, real_clock, within(seconds{5}));
}

inline std::string read_text(Port& port, std::size_t count) {
  std::string out;
  std::array<std::uint8_t, 64> chunk{};
  while (out.size() < count) {
    const auto n = port.read(chunk, within(seconds{5}));
    if (!n) return n.error().text();
    out.append(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(*n));
  }
  return out;
}

inline constexpr std::array<std::uint8_t, 4> some_bytes{'p', 'i', 0x03, 0xff};

}  // namespace kw::drivers
