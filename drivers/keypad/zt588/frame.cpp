#include "drivers/keypad/zt588/frame.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

namespace kw::drivers::zt588 {
namespace {

constexpr std::uint8_t start = 0x02;
constexpr std::uint8_t end = 0x03;
constexpr std::size_t longest_text = 999;
constexpr std::size_t around = 7;  ///< start, length, end, check digits

std::uint8_t check_of(std::span<const std::uint8_t> bytes) {
  std::uint8_t sum = 0;
  for (const auto b : bytes) sum = static_cast<std::uint8_t>(sum ^ b);
  return sum;
}

/// 0 to 15. The digits above 9 are letters or, in the keypad's other way of writing, ":" to "?".
std::optional<unsigned> digit(std::uint8_t c) {
  if (c >= '0' && c <= '?') return c - unsigned{'0'};
  if (c >= 'A' && c <= 'F') return c - unsigned{'A'} + 10;
  if (c >= 'a' && c <= 'f') return c - unsigned{'a'} + 10;
  return std::nullopt;
}

std::optional<std::uint8_t> byte_at(std::span<const std::uint8_t> in, std::size_t at) {
  const auto high = digit(in[at]);
  const auto low = digit(in[at + 1]);
  if (!high || !low) return std::nullopt;
  return static_cast<std::uint8_t>(*high << 4 | *low);
}

std::optional<std::size_t> length_in(std::span<const std::uint8_t> digits) {
  std::size_t out = 0;
  for (const auto d : digits) {
    if (d < '0' || d > '9') return std::nullopt;
    out = out * 10 + (d - std::size_t{'0'});
  }
  return out;
}

// The reply's fields, from the byte behind its status on.
struct Field {
  std::size_t at;
  std::size_t size;
};
constexpr std::size_t settings_at = 99;  ///< behind status 1, owner's text 50, key table 48
constexpr std::size_t settings_size = 20;
constexpr Field model_field{127, 6};  ///< behind the function code of 8
constexpr Field hardware_field{133, 3};
constexpr Field software_field{136, 3};
constexpr Field serial_field{143, 4};  ///< behind the production date of 4

/// As text without what fills it up, or as hexadecimal digits; empty when the reply ends before.
std::string field(std::span<const std::uint8_t> text, Field where) {
  if (text.size() < where.at + where.size) return {};
  const auto bytes = text.subspan(where.at, where.size);
  std::string out{bytes.begin(), bytes.end()};
  while (!out.empty() && (out.back() == ' ' || out.back() == '\0')) out.pop_back();
  if (std::ranges::all_of(out, [](char c) { return c >= ' ' && c <= '~'; })) return out;
  out.clear();
  for (const auto b : bytes) out += fmt::format("{:02X}", b);
  return out;
}

}  // namespace

std::vector<std::uint8_t> encode(std::string_view text) {
  text = text.substr(0, longest_text);
  std::vector<std::uint8_t> out{start};
  const auto length = fmt::format("{:03}", text.size());
  out.insert(out.end(), length.begin(), length.end());
  out.insert(out.end(), text.begin(), text.end());
  out.push_back(end);
  const auto check = fmt::format("{:02X}", check_of(std::span{out}.subspan(1)));
  out.insert(out.end(), check.begin(), check.end());
  return out;
}

Piece first_piece(std::span<const std::uint8_t> in) {
  using enum Piece::Kind;
  if (in.front() != start) return {key, 1};
  const auto digits = in.subspan(1, std::min<std::size_t>(in.size() - 1, 3));
  const auto size = length_in(digits);
  if (!size) return {noise, 1};
  if (digits.size() < 3 || in.size() < *size + around) return {part, 0};
  if (in[4 + *size] != end) return {noise, *size + around};
  const auto check = byte_at(in, 5 + *size);
  if (!check || *check != check_of(in.subspan(1, 4 + *size))) {
    return {noise, *size + around};
  }
  return {frame, *size + around, in.subspan(4, *size)};
}

Result<Reply> decode(std::span<const std::uint8_t> text) {
  Reply out;
  if (!text.empty() && text[0] >= 0xe0 && text[0] <= 0xef) {
    out.error = text[0];
    return out;
  }
  // No byte of it is shown: the owner's text is not ours to tell.
  if (text.size() < settings_at + settings_size) {
    return Error{Errc::garbled, fmt::format("a reply of {} bytes is too short", text.size())};
  }
  for (std::size_t i = 0; i < settings_size; i += 2) {
    if (byte_at(text, settings_at + i)) continue;
    return Error{Errc::garbled, "the reply's settings are not hexadecimal"};
  }
  const auto flags = *byte_at(text, settings_at);
  auto& told = out.information;
  told.blank = (flags & 1) != 0;
  told.input_enabled = (flags & 2) != 0;
  told.sound = (flags & 4) != 0;
  told.model = field(text, model_field);
  told.hardware = field(text, hardware_field);
  told.software = field(text, software_field);
  told.serial = field(text, serial_field);
  return out;
}

}  // namespace kw::drivers::zt588
