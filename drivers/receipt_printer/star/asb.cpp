#include "drivers/receipt_printer/star/asb.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace kw::drivers::star {
namespace {

constexpr std::uint8_t xon = 0x11;
constexpr std::uint8_t xoff = 0x13;
constexpr std::uint8_t kind_bits = 0x91;  // bits 0, 4 and 7 tell the kinds of status apart

bool is_header(std::uint8_t byte) { return (byte & kind_bits) == 0x01; }

/// Bit 7 of the second header is the mark of an expanded status.
bool may_follow(std::size_t at, std::uint8_t byte) {
  const auto fixed = at == 1 ? kind_bits & 0x7f : kind_bits;
  return (byte & fixed) == 0;
}

/// Never the bytes themselves: on a wrong port they may be a citizen's.
Error garbled(std::span<const std::uint8_t> in) {
  return Error{Errc::garbled, fmt::format("{} bytes are no status", in.size())};
}

}  // namespace

Result<std::optional<Asb>> take_asb(std::vector<std::uint8_t>& in) {
  std::optional<Asb> out;
  for (;;) {
    const auto front =
        std::ranges::find_if(in, [](std::uint8_t b) { return b != xon && b != xoff; });
    in.erase(in.begin(), front);
    if (in.empty()) return out;
    if (!is_header(in[0])) return garbled(in);
    for (std::size_t i = 1; i < in.size(); ++i) {
      if (i >= 2 && i >= asb_length(in[0], in[1])) break;
      if (!may_follow(i, in[i])) return garbled(in);
    }
    if (in.size() < 2) return out;
    const auto length = asb_length(in[0], in[1]);
    if (length < shortest_asb) return garbled(in);
    if (in.size() < length) return out;
    const auto end = in.begin() + static_cast<std::ptrdiff_t>(length);
    out.emplace(in.begin(), end);
    in.erase(in.begin(), end);
  }
}

}  // namespace kw::drivers::star
