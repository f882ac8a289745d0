#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/result.hpp"

namespace kw::drivers::star {

// Star line mode's automatic status (ASB): two headers, then printer status 1, 2 … (Star line mode
// command specifications, appendix "Status Specifications"; output devices, section 1.6).

/// The whole of a status, headers first. The manual's "third byte" is bytes[2].
using Asb = std::vector<std::uint8_t>;

/// Shorter than "up to printer status 5", version 1 of the status, it would not tell of the paper.
constexpr std::size_t shortest_asb = 7;

/// How long the status is that begins with these two bytes; the bits of the first count all of it,
/// and bit 7 of the second adds two.
constexpr std::size_t asb_length(std::uint8_t header1, std::uint8_t header2) {
  return ((header1 >> 2U & 0x18U) | (header1 >> 1U & 0x07U)) + (header2 >> 6U & 0x02U);
}

/// The last whole status in what has arrived, which is the newest; nothing while none is whole.
/// XON and XOFF between them are skipped. What was read is taken off `in`. Errc::garbled when
/// anything else is there.
Result<std::optional<Asb>> take_asb(std::vector<std::uint8_t>& in);

}  // namespace kw::drivers::star
