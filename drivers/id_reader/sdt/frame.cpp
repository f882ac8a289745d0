#include "drivers/id_reader/sdt/frame.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kw::drivers::sdt {
namespace {

constexpr std::array<std::uint8_t, 5> preamble{0xaa, 0xaa, 0xaa, 0x96, 0x69};
/// After the preamble. Shorter than its own length: the next frame's first two bytes would complete
/// it, even to a right checksum (section 1.5).
constexpr std::array<std::uint8_t, 5> pseudo_frame{0x00, 0x05, 0x05, 0x05, 0x05};
constexpr std::size_t shortest_payload = 2;  // a request's command and parameter

std::uint8_t xor_of(std::span<const std::uint8_t> bytes) {
  std::uint8_t sum = 0;
  for (const auto b : bytes) sum = static_cast<std::uint8_t>(sum ^ b);
  return sum;
}

Request frame_of(std::uint16_t command) {
  Request out{};
  std::ranges::copy(preamble, out.begin());
  out[6] = 3;
  out[7] = static_cast<std::uint8_t>(command >> 8U);
  out[8] = static_cast<std::uint8_t>(command & 0xffU);
  out[9] = xor_of(std::span{out}.subspan(preamble.size(), 4));
  return out;
}

std::uint32_t little_endian(std::span<const std::uint8_t> bytes) {
  std::uint32_t out = 0;
  for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) out = out << 8U | *it;
  return out;
}

std::size_t big_endian(std::span<const std::uint8_t> two) {
  return static_cast<std::size_t>(two[0]) << 8U | two[1];
}

}  // namespace

Request encode(PollCommand command) { return frame_of(static_cast<std::uint16_t>(command)); }
Request encode(TestCommand command) { return frame_of(static_cast<std::uint16_t>(command)); }

Found find_frame(std::span<const std::uint8_t> in, std::size_t longest) {
  Found out;
  const auto start = std::ranges::search(in, preamble).begin();
  out.skip = static_cast<std::size_t>(start - in.begin());
  if (start == in.end()) {
    // The last bytes may be a preamble's first.
    auto kept = std::min(in.size(), preamble.size() - 1);
    while (kept > 0 && !std::ranges::equal(in.last(kept), std::span{preamble}.first(kept))) --kept;
    out.skip = in.size() - kept;
    return out;
  }
  const auto frame = in.subspan(out.skip);
  if (frame.size() < header_size) return out;
  const auto length = big_endian(frame.subspan(preamble.size(), 2));
  if (length <= shortest_payload || header_size + length > longest) {
    out.kind = Found::Kind::corrupted;
    out.skip += 1;
    return out;
  }
  const auto rest = frame.subspan(preamble.size());
  if (rest.size() >= pseudo_frame.size() &&
      std::ranges::equal(rest.first(pseudo_frame.size()), pseudo_frame)) {
    out.kind = Found::Kind::timed_out;
    out.skip += preamble.size() + pseudo_frame.size();
    return out;
  }
  if (frame.size() < header_size + length) return out;
  const auto summed = frame.subspan(preamble.size(), 2 + length);
  if (xor_of(summed) != 0) {
    out.kind = Found::Kind::corrupted;
    out.skip += 1;
    return out;
  }
  out.kind = Found::Kind::frame;
  out.payload = frame.subspan(header_size, length - 1);
  out.skip += header_size + length;
  return out;
}

bool is_known(Code code) {
  switch (code) {
    case Code::checksum_error:
    case Code::length_error:
    case Code::command_error:
    case Code::not_permitted:
    case Code::unknown_error:
    case Code::card_rejects_sam:
    case Code::sam_rejects_card:
    case Code::verification_error:
    case Code::card_type:
    case Code::read_failed:
    case Code::random_failed:
    case Code::sam_self_test_failed:
    case Code::sam_unauthorised:
    case Code::no_card:
    case Code::select_failed:
    case Code::ok:
    case Code::item_empty:
    case Code::card_found:
    case Code::communication:
      return true;
  }
  return false;
}

Result<Reply> read_reply(std::span<const std::uint8_t> payload) {
  Reply out;
  if (payload.size() < out.status.size()) {
    return Error{Errc::garbled, fmt::format("a reply of {} bytes", payload.size())};
  }
  std::copy_n(payload.begin(), out.status.size(), out.status.begin());
  out.data = payload.subspan(out.status.size());
  return out;
}

Result<RequestFields> read_request(std::span<const std::uint8_t> payload) {
  if (payload.size() < 2) {
    return Error{Errc::garbled, fmt::format("a request of {} bytes", payload.size())};
  }
  return RequestFields{payload[0], payload[1], payload.subspan(2)};
}

Result<std::string> sam_id(std::span<const std::uint8_t> data) {
  if (data.size() != 16) {
    return Error{Errc::garbled, fmt::format("a module number of {} bytes", data.size())};
  }
  return fmt::format("{:02}.{:02}-{:08}-{:010}-{:010}", little_endian(data.first(2)),
                     little_endian(data.subspan(2, 2)), little_endian(data.subspan(4, 4)),
                     little_endian(data.subspan(8, 4)), little_endian(data.subspan(12, 4)));
}

Result<BaseLengths> base_lengths(std::span<const std::uint8_t> data) {
  if (data.size() >= 4) {
    BaseLengths out{big_endian(data), big_endian(data.subspan(2)), 0};
    if (out.text > 0 && out.photo > 0) {
      if (4 + out.text + out.photo == data.size()) return out;
      if (data.size() >= 6) {
        out.fingerprint = big_endian(data.subspan(4));
        if (6 + out.text + out.photo + out.fingerprint == data.size()) return out;
      }
    }
  }
  return Error{
      Errc::garbled,
      fmt::format("{} bytes of card data that their own lengths do not account for", data.size())};
}

}  // namespace kw::drivers::sdt
