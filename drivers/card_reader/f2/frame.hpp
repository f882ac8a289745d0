#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace kw::drivers::f2 {

// "F2" frames of CRT-571, CRT-591 and Lintech card issuing machines (protocols, reading devices,
// section 2.2): F2, address, length of what follows up to 03 (2 bytes, big endian), head, CM, PM,
// data, 03, XOR of it all. Head: 43 'C' of a request, 50 'P' and 4E 'N' or 45 'E' of a reply.

/// All that a poll can ask: none moves a card. There is deliberately no way to encode anything
/// else, initialising among it.
enum class PollCommand : std::uint16_t {
  status = 0x3130,   ///< card, stacker, bin
  sensors = 0x3131,  ///< every light barrier
  serial = 0xa230,   ///< of the machine
  configuration = 0xa330,
  version = 0xa430,      ///< of the firmware
  bin_counter = 0xa530,  ///< cards captured
};

inline constexpr std::size_t overhead = 6;  ///< of a frame: F2, address, length, 03, checksum
/// Replies to what we ask have some tens of bytes; a header that announces more than this is noise.
inline constexpr std::size_t longest_frame = 1024;
inline constexpr unsigned highest_address = 15;

/// Control bytes around frames.
inline constexpr std::uint8_t end_of_transmission = 0x04;
inline constexpr std::uint8_t acknowledged = 0x06;
inline constexpr std::uint8_t refused = 0x15;

std::vector<std::uint8_t> encode(PollCommand command, std::uint8_t address = 0);

/// What stands at the front of received bytes.
struct Found {
  enum class Kind : std::uint8_t { partial, control, frame, corrupted } kind = Kind::partial;
  std::size_t skip = 0;      ///< bytes to drop from the front: noise, a control byte, the frame
  std::uint8_t control = 0;  ///< one of the three above
  std::uint8_t address = 0;  ///< of a frame
  std::span<const std::uint8_t> payload;  ///< of a frame: head to the end of the data
};

/// Looks for the next control byte or frame. After a corrupted frame only its F2 is skipped, so
/// that a frame inside what it claimed to be is still found.
Found find_frame(std::span<const std::uint8_t> in);

/// A frame's payload.
struct Message {
  enum class Kind : std::uint8_t { request, positive, negative } kind = Kind::request;
  std::uint8_t command = 0;
  std::uint8_t parameter = 0;
  std::string error;                   ///< of a negative reply: its two characters, "10"
  std::span<const std::uint8_t> data;  ///< of a positive reply: ST0 ST1 ST2 and more
};

/// Errc::garbled when it is too short or has another head.
Result<Message> read_message(std::span<const std::uint8_t> payload);

}  // namespace kw::drivers::f2
