#include "drivers/id_reader/sdt/pipes.hpp"

#include <algorithm>

namespace kw::drivers::sdt {
namespace {

constexpr std::uint8_t header_out = 0x02;
constexpr std::uint8_t body_out = 0x06;
constexpr std::uint8_t header_in = 0x81;
constexpr std::uint8_t body_in = 0x85;

}  // namespace

bool FourPipes::fits(const UsbPort& port) {
  const auto& endpoints = port.function().endpoints;
  return std::ranges::all_of(
      std::array{header_out, body_out, header_in, body_in}, [&](std::uint8_t address) {
        const auto at = std::ranges::find(endpoints, address, &UsbEndpoint::address);
        return at != endpoints.end() && at->kind == UsbEndpoint::Kind::bulk;
      });
}

Result<void> FourPipes::write(std::span<const std::uint8_t> bytes, MonoTime deadline) {
  const auto header = bytes.first(std::min(header_size, bytes.size()));
  auto sent = port_.bulk_write(header_out, header, deadline);
  if (!sent || header.size() == bytes.size()) return sent;
  return port_.bulk_write(body_out, bytes.subspan(header.size()), deadline);
}

Result<std::size_t> FourPipes::read(std::span<std::uint8_t> into, MonoTime deadline) {
  auto got = port_.bulk_read(body_left_ > 0 ? body_in : header_in, into, deadline);
  if (!got) return got;
  if (body_left_ > 0) {
    body_left_ -= std::min(body_left_, *got);
  } else {
    look_at(into.first(*got));
  }
  return got;
}

void FourPipes::discard() {
  port_.discard();
  header_filled_ = 0;
  body_left_ = 0;
}

/// Only where to read next: whether it is a frame at all, find_frame says.
void FourPipes::look_at(std::span<const std::uint8_t> header_bytes) {
  for (const auto byte : header_bytes) {
    header_[header_filled_++] = byte;
    if (header_filled_ < header_.size()) continue;
    header_filled_ = 0;
    const auto length = static_cast<std::size_t>(header_[5]) << 8U | header_[6];
    body_left_ = length + header_size > longest_frame ? 0 : length;
  }
}

}  // namespace kw::drivers::sdt
