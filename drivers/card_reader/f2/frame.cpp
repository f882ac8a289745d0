#include "drivers/card_reader/f2/frame.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

namespace kw::drivers::f2 {
namespace {

constexpr std::uint8_t start_of_frame = 0xf2;
constexpr std::uint8_t end_of_frame = 0x03;
constexpr std::size_t shortest_payload = 3;
constexpr std::array<std::uint8_t, 3> controls{end_of_transmission, acknowledged, refused};

std::uint8_t xor_of(std::span<const std::uint8_t> bytes) {
  std::uint8_t sum = 0;
  for (const auto b : bytes) sum = static_cast<std::uint8_t>(sum ^ b);
  return sum;
}

}  // namespace

std::vector<std::uint8_t> encode(PollCommand command, std::uint8_t address) {
  const auto value = static_cast<std::uint16_t>(command);
  std::vector<std::uint8_t> out{start_of_frame,
                                address,
                                0,
                                3,
                                'C',
                                static_cast<std::uint8_t>(value >> 8U),
                                static_cast<std::uint8_t>(value & 0xffU),
                                end_of_frame};
  out.push_back(xor_of(out));
  return out;
}

Found find_frame(std::span<const std::uint8_t> in) {
  Found out;
  const auto start = std::ranges::find_if(in, [](std::uint8_t b) {
    return b == start_of_frame || std::ranges::find(controls, b) != controls.end();
  });
  out.skip = static_cast<std::size_t>(start - in.begin());
  if (start == in.end()) return out;
  if (*start != start_of_frame) {
    out.kind = Found::Kind::control;
    out.control = *start;
    out.skip += 1;
    return out;
  }
  const auto frame = in.subspan(out.skip);
  if (frame.size() < 4) return out;
  const auto length = static_cast<std::size_t>(frame[2]) << 8U | frame[3];
  if (frame[1] > highest_address || length < shortest_payload ||
      length + overhead > longest_frame) {
    out.kind = Found::Kind::corrupted;
    out.skip += 1;
    return out;
  }
  if (frame.size() < length + overhead) return out;
  if (frame[4 + length] != end_of_frame || xor_of(frame.first(length + overhead)) != 0) {
    out.kind = Found::Kind::corrupted;
    out.skip += 1;
    return out;
  }
  out.kind = Found::Kind::frame;
  out.address = frame[1];
  out.payload = frame.subspan(4, length);
  out.skip += length + overhead;
  return out;
}

Result<Message> read_message(std::span<const std::uint8_t> payload) {
  if (payload.size() < shortest_payload) {
    return Error{Errc::garbled, fmt::format("a frame of {} bytes", payload.size())};
  }
  Message out;
  out.command = payload[1];
  out.parameter = payload[2];
  out.data = payload.subspan(3);
  switch (payload[0]) {
    case 'C':
      return out;
    case 'P':
      out.kind = Message::Kind::positive;
      return out;
    case 'N':
    case 'E':
      break;
    default:
      return Error{Errc::garbled, fmt::format("a frame with head {:02x}", payload[0])};
  }
  out.kind = Message::Kind::negative;
  if (out.data.size() < 2 || std::isalnum(out.data[0]) == 0 || std::isalnum(out.data[1]) == 0) {
    return Error{Errc::garbled, "a negative reply without an error"};
  }
  out.error = {static_cast<char>(out.data[0]), static_cast<char>(out.data[1])};
  out.data = out.data.subspan(2);
  return out;
}

}  // namespace kw::drivers::f2
