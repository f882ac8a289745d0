#include "drivers/cabinet/modbus/codec.hpp"

#include <array>

#include <fmt/format.h>

namespace kw::drivers::modbus {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint8_t exception_bit = 0x80;
constexpr std::size_t mbap = 7;              // transaction, protocol, length, unit
constexpr std::size_t longest_frame = 256;   // of RTU; a PDU has at most 253 bytes
constexpr std::size_t longest_length = 254;  // MBAP: unit and PDU
constexpr std::size_t most_kept = 2 * longest_frame;

std::uint8_t high(std::uint16_t word) { return static_cast<std::uint8_t>(word >> 8); }
std::uint8_t low(std::uint16_t word) { return static_cast<std::uint8_t>(word & 0xff); }

std::uint16_t word_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

std::uint8_t function_of(const Request& request) {
  return static_cast<std::uint8_t>(request.table());
}

std::array<std::uint8_t, 5> pdu_of(const Request& request) {
  return {function_of(request), high(request.address()), low(request.address()),
          high(request.count()), low(request.count())};
}

Error garbled(std::string what) { return Error{Errc::garbled, std::move(what)}; }

/// How long an answer that begins with `function` is with unit and CRC; 0: it answers something
/// else.
std::size_t rtu_length(const Request& request, std::uint8_t function) {
  if (function == function_of(request)) return 5 + request.value_bytes();
  if (function == (function_of(request) | exception_bit)) return 5;
  return 0;
}

}  // namespace

std::optional<Request> Request::read(Table table, std::uint16_t address, std::uint16_t count) {
  const bool fits = count >= 1 && count <= most_of(table) && address + count <= 65'536;
  return fits ? std::optional{Request{table, address, count}} : std::nullopt;
}

std::size_t Request::value_bytes() const {
  return is_bits(table_) ? (count_ + 7U) / 8U : std::size_t{2} * count_;
}

std::vector<std::uint8_t> encode_tcp(const Request& request, std::uint8_t unit,
                                     std::uint16_t transaction) {
  const auto pdu = pdu_of(request);
  constexpr std::uint8_t length = 1 + std::tuple_size_v<decltype(pdu_of(request))>;
  Bytes out{high(transaction), low(transaction), 0, 0, 0, length, unit};
  out.insert(out.end(), pdu.begin(), pdu.end());
  return out;
}

std::vector<std::uint8_t> encode_rtu(const Request& request, std::uint8_t unit) {
  const auto pdu = pdu_of(request);
  Bytes out{unit};
  out.insert(out.end(), pdu.begin(), pdu.end());
  const auto crc = crc16(out);
  out.push_back(low(crc));
  out.push_back(high(crc));
  return out;
}

std::string_view exception_name(std::uint8_t code) {
  switch (code) {
    case 1:
      return "illegal function";
    case 2:
      return "illegal data address";
    case 3:
      return "illegal data value";
    case 4:
      return "server device failure";
    case 5:
      return "acknowledge";
    case 6:
      return "server device busy";
    case 7:
      return "negative acknowledge";
    case 8:
      return "memory parity error";
    case 10:
      return "gateway path unavailable";
    case 11:
      return "gateway target device failed to respond";
    default:
      return "exception";
  }
}

Result<Reply> decode_pdu(std::span<const std::uint8_t> pdu, const Request& request) {
  const auto function = function_of(request);
  if (pdu.empty()) return garbled("an empty answer");
  Reply out;
  if (pdu[0] == (function | exception_bit)) {
    if (pdu.size() != 2 || pdu[1] == 0) return garbled("an exception without a code");
    out.exception = pdu[1];
    return out;
  }
  if (pdu[0] != function) {
    return garbled(fmt::format("function {:02x} answered with {:02x}", function, pdu[0]));
  }
  const auto expected = request.value_bytes();
  if (pdu.size() != expected + 2 || pdu[1] != expected) {
    return garbled(
        fmt::format("{} bytes of values, not {}", pdu.size() > 1 ? pdu[1] : 0, expected));
  }
  const auto values = pdu.subspan(2);
  out.values.reserve(request.count());
  for (std::size_t i = 0; i < request.count(); ++i) {
    const bool bits = is_bits(request.table());
    const int bit = bits ? values[i / 8] >> (i % 8) & 1 : 0;
    out.values.push_back(bits ? static_cast<std::uint16_t>(bit) : word_at(values, 2 * i));
  }
  return out;
}

Result<std::optional<Reply>> take_tcp(std::vector<std::uint8_t>& in, const Request& request,
                                      std::uint8_t unit, std::uint16_t transaction) {
  while (in.size() >= mbap) {
    const std::size_t length = word_at(in, 4);
    if (word_at(in, 2) != 0 || length < 2 || length > longest_length) {
      return garbled("not a Modbus header");
    }
    const auto whole = mbap - 1 + length;
    if (in.size() < whole) return std::optional<Reply>{};
    const Bytes frame{in.begin(), in.begin() + static_cast<std::ptrdiff_t>(whole)};
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(whole));
    if (word_at(frame, 0) != transaction) continue;
    if (frame[6] != unit) return garbled(fmt::format("unit {} answered for {}", frame[6], unit));
    auto reply = decode_pdu(std::span{frame}.subspan(mbap), request);
    if (!reply) return std::move(reply).error();
    return std::optional{std::move(*reply)};
  }
  return std::optional<Reply>{};
}

std::optional<Reply> take_rtu(std::vector<std::uint8_t>& in, const Request& request,
                              std::uint8_t unit) {
  const std::span<const std::uint8_t> all{in};
  for (std::size_t at = 0; at + 5 <= all.size(); ++at) {
    if (all[at] != unit) continue;
    const auto length = rtu_length(request, all[at + 1]);
    if (length == 0 || at + length > all.size()) continue;
    const auto frame = all.subspan(at, length);
    const auto crc = static_cast<std::uint16_t>(frame[length - 2] | frame[length - 1] << 8);
    if (crc16(frame.first(length - 2)) != crc) continue;
    auto reply = decode_pdu(frame.subspan(1, length - 3), request);
    if (!reply) continue;
    in.clear();
    return std::move(*reply);
  }
  if (in.size() > most_kept) {
    in.erase(in.begin(), in.end() - static_cast<std::ptrdiff_t>(longest_frame));
  }
  return std::nullopt;
}

bool has_damaged_rtu(std::span<const std::uint8_t> in, const Request& request, std::uint8_t unit) {
  for (std::size_t at = 0; at + 5 <= in.size(); ++at) {
    if (in[at] != unit) continue;
    const auto length = rtu_length(request, in[at + 1]);
    if (length == 0 || at + length > in.size()) continue;
    if (decode_pdu(in.subspan(at + 1, length - 3), request)) return true;
  }
  return false;
}

std::uint16_t crc16(std::span<const std::uint8_t> bytes) {
  unsigned crc = 0xffff;
  for (const auto byte : bytes) {
    crc ^= byte;
    for (int i = 0; i < 8; ++i) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xa001 : crc >> 1;
  }
  return static_cast<std::uint16_t>(crc);
}

}  // namespace kw::drivers::modbus
