#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace kw::drivers::crt310 {

// "02" frames of CRT-310 and M100 readers (protocols, reading devices, section 2.1):
// 02, length of what follows up to 03 (2 bytes, big endian), CM, PM, data, 03, XOR of it all.

/// All that a poll can ask: neither moves a card, a shutter or a contact. There is deliberately no
/// way to encode anything else.
enum class PollCommand : std::uint16_t {
  status = 0x3130,   ///< where a card is, what the entries are set to
  sensors = 0x312f,  ///< light barriers, shutter, entry switch
};

inline constexpr std::size_t overhead = 5;  ///< of a frame: 02, length, 03, checksum
/// Replies to what we ask have some ten bytes; a header that announces more than this is noise.
inline constexpr std::size_t longest_frame = 1024;

/// Control bytes around frames.
inline constexpr std::uint8_t end_of_transmission = 0x04;
inline constexpr std::uint8_t enquiry = 0x05;
inline constexpr std::uint8_t acknowledged = 0x06;
inline constexpr std::uint8_t refused = 0x15;

std::vector<std::uint8_t> encode(PollCommand command);

/// What stands at the front of received bytes.
struct Found {
  enum class Kind : std::uint8_t { partial, control, frame, corrupted } kind = Kind::partial;
  std::size_t skip = 0;      ///< bytes to drop from the front: noise, a control byte, the frame
  std::uint8_t control = 0;  ///< one of the four above
  std::span<const std::uint8_t> payload;  ///< of a frame: CM to the end of the data
};

/// Looks for the next control byte or frame. After a corrupted frame only its 02 is skipped, so
/// that a frame inside what it claimed to be is still found.
Found find_frame(std::span<const std::uint8_t> in);

/// A frame's payload. Requests and positive replies have the same form.
struct Message {
  std::uint8_t command = 0;
  std::uint8_t parameter = 0;  ///< of a negative reply: the command it answers
  bool negative = false;       ///< 4E, command, error …
  std::uint8_t error = 0;      ///< of a negative reply
  std::span<const std::uint8_t> data;
};

/// Errc::garbled when it is too short.
Result<Message> read_message(std::span<const std::uint8_t> payload);

}  // namespace kw::drivers::crt310
