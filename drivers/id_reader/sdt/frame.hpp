#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "common/result.hpp"

namespace kw::drivers::sdt {

// SDT frames of a SAM-V module (protocols, reading devices, sections 1.3 to 1.6):
// AA AA AA 96 69, length (2 bytes, big endian), payload, XOR of length and payload.

/// All that a poll can ask: neither switches the radio field on, and no reply holds personal data.
/// There is deliberately no way to encode anything else for a poll.
enum class PollCommand : std::uint16_t {
  status = 0x11ff,  ///< self-test state of the security module
  sam_id = 0x12ff,  ///< the module's own number
};

/// What an operator's self-test sends beside. Touches the card that lies on the reader.
enum class TestCommand : std::uint16_t {
  find_card = 0x2001,
  select_card = 0x2002,
  read_base = 0x3001,  ///< text and photo; the reply is a citizen's data
};

inline constexpr std::size_t header_size = 7;  ///< preamble and length
inline constexpr std::size_t request_size = 10;
/// The longest legal reply is 2321 bytes; a header that announces more than this is noise.
inline constexpr std::size_t longest_frame = 4096;

using Request = std::array<std::uint8_t, request_size>;
Request encode(PollCommand command);
Request encode(TestCommand command);

/// What stands at the front of received bytes.
struct Found {
  enum class Kind : std::uint8_t {
    partial,    ///< nothing whole yet: read on, also when `skip` leaves nothing
    frame,      ///< `payload` is a frame with the right checksum
    corrupted,  ///< a frame with a wrong checksum or an impossible length
    timed_out,  ///< the ten bytes by which some readers say that their module did not answer
  } kind = Kind::partial;
  std::size_t skip = 0;  ///< bytes to drop from the front: noise, the frame, a corrupted preamble
  std::span<const std::uint8_t> payload;  ///< of a frame, without length and checksum
};

/// Looks for the next frame. After a corrupted one only its preamble is skipped, so that a frame
/// inside what it claimed to be is still found. A frame longer than `longest`, header included, is
/// corrupted. Any bytes may be given; never looks past them.
Found find_frame(std::span<const std::uint8_t> in, std::size_t longest = longest_frame);

/// SW3 of a reply (section 1.5).
enum class Code : std::uint8_t {
  checksum_error = 0x10,
  length_error = 0x11,
  command_error = 0x21,
  not_permitted = 0x23,
  unknown_error = 0x24,
  card_rejects_sam = 0x31,
  sam_rejects_card = 0x32,
  verification_error = 0x33,
  card_type = 0x40,
  read_failed = 0x41,
  random_failed = 0x47,
  sam_self_test_failed = 0x60,
  sam_unauthorised = 0x66,
  no_card = 0x80,
  select_failed = 0x81,
  ok = 0x90,
  item_empty = 0x91,
  card_found = 0x9f,
  communication = 0xff,
};

/// Whether the number is a code that is documented.
bool is_known(Code code);

struct Reply {
  std::array<std::uint8_t, 3> status{};  ///< SW1 SW2 SW3
  std::span<const std::uint8_t> data;
  Code code() const { return static_cast<Code>(status[2]); }
};

/// A frame's payload as a reply. Errc::garbled when it is too short to be one.
Result<Reply> read_reply(std::span<const std::uint8_t> payload);

/// A frame's payload as a request, for those who play or check the other side. Errc::garbled when
/// it is too short to be one.
struct RequestFields {
  std::uint8_t command = 0;
  std::uint8_t parameter = 0;
  std::span<const std::uint8_t> data;
};
Result<RequestFields> read_request(std::span<const std::uint8_t> payload);

/// The module's number as vendors print it ("05.01-20120411-…-…", padded to ten digits) from the
/// sixteen bytes of a reply to `sam_id`. Errc::garbled when there are not sixteen.
Result<std::string> sam_id(std::span<const std::uint8_t> data);

/// How long the parts of a reply to a base read are. What is in them is nobody's business here.
struct BaseLengths {
  std::size_t text = 0;
  std::size_t photo = 0;
  std::size_t fingerprint = 0;  ///< only in replies to a command that we never send
};

/// Reads the lengths and checks that they account for every byte of `data`. Errc::garbled if not.
Result<BaseLengths> base_lengths(std::span<const std::uint8_t> data);

}  // namespace kw::drivers::sdt
