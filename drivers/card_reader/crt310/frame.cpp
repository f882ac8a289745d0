#include "drivers/card_reader/crt310/frame.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace kw::drivers::crt310 {
namespace {

constexpr std::uint8_t start_of_frame = 0x02;
constexpr std::uint8_t end_of_frame = 0x03;
constexpr std::uint8_t negative_head = 0x4e;
constexpr std::size_t shortest_payload = 2;
constexpr std::array<std::uint8_t, 4> controls{end_of_transmission, enquiry, acknowledged, refused};

std::uint8_t xor_of(std::span<const std::uint8_t> bytes) {
  std::uint8_t sum = 0;
  for (const auto b : bytes) sum = static_cast<std::uint8_t>(sum ^ b);
  return sum;
}

}  // namespace

std::vector<std::uint8_t> encode(PollCommand command) {
  const auto value = static_cast<std::uint16_t>(command);
  std::vector<std::uint8_t> out{start_of_frame,
                                0,
                                2,
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
  if (frame.size() < 3) return out;
  const auto length = static_cast<std::size_t>(frame[1]) << 8U | frame[2];
  if (length < shortest_payload || length + overhead > longest_frame) {
    out.kind = Found::Kind::corrupted;
    out.skip += 1;
    return out;
  }
  if (frame.size() < length + overhead) return out;
  if (frame[3 + length] != end_of_frame || xor_of(frame.first(length + overhead)) != 0) {
    out.kind = Found::Kind::corrupted;
    out.skip += 1;
    return out;
  }
  out.kind = Found::Kind::frame;
  out.payload = frame.subspan(3, length);
  out.skip += length + overhead;
  return out;
}

Result<Message> read_message(std::span<const std::uint8_t> payload) {
  if (payload.size() < shortest_payload) {
    return Error{Errc::garbled, fmt::format("a frame of {} bytes", payload.size())};
  }
  Message out{payload[0], payload[1], false, 0, payload.subspan(2)};
  if (out.command != negative_head) return out;
  if (out.data.empty()) return Error{Errc::garbled, "a negative reply without an error"};
  out.negative = true;
  out.error = out.data.front();
  out.data = out.data.subspan(1);
  return out;
}

}  // namespace kw::drivers::crt310
