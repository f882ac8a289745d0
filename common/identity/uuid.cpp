#include "common/identity/uuid.hpp"

#include <array>
#include <cassert>
#include <cstdint>

#include "common/identity/random.hpp"

namespace kw::identity {

std::string uuid_v7(WallTime at, std::string_view random) {
  assert(random.size() >= 10);
  std::array<unsigned char, 16> id{};
  const auto ms = static_cast<std::uint64_t>(micros(at) / 1000);
  for (std::size_t i = 0; i < 6; ++i) id[i] = static_cast<unsigned char>(ms >> (40 - 8 * i));
  for (std::size_t i = 0; i < 10; ++i) id[6 + i] = static_cast<unsigned char>(random[i]);
  id[6] = static_cast<unsigned char>((id[6] & 0x0f) | 0x70);  // version 7
  id[8] = static_cast<unsigned char>((id[8] & 0x3f) | 0x80);  // variant
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[id[i] >> 4];
    text += digits[id[i] & 15];
  }
  return text;
}

std::string uuid_v7(WallTime at) { return uuid_v7(at, random_bytes(10)); }

}  // namespace kw::identity
