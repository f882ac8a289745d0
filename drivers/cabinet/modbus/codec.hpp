#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace kw::drivers::modbus {

// Modbus as far as reading goes (Modbus Application Protocol 1.1b3, sections 6.1 to 6.4), with its
// two framings. Pure: bytes in, values out.

/// What can be read; the value is the function code that reads it. There is none that writes.
enum class Table : std::uint8_t {
  coils = 1,
  discrete_inputs = 2,
  holding_registers = 3,
  input_registers = 4,
};

constexpr bool is_bits(Table table) {
  return table == Table::coils || table == Table::discrete_inputs;
}

/// The most that one request may ask for: 2000 bits, 125 registers.
constexpr std::uint16_t most_of(Table table) { return is_bits(table) ? 2000 : 125; }

/// One request to read: nothing else can be made, so nothing else can be sent.
class Request {
 public:
  /// Nothing when there is no such range: 1 to `most_of(table)`, not past address 65535.
  static std::optional<Request> read(Table table, std::uint16_t address, std::uint16_t count);

  Table table() const { return table_; }
  std::uint16_t address() const { return address_; }
  std::uint16_t count() const { return count_; }
  /// How many bytes of values an answer to it has.
  std::size_t value_bytes() const;

 private:
  Request(Table table, std::uint16_t address, std::uint16_t count)
      : table_(table), address_(address), count_(count) {}

  Table table_;
  std::uint16_t address_;
  std::uint16_t count_;
};

std::vector<std::uint8_t> encode_tcp(const Request& request, std::uint8_t unit,
                                     std::uint16_t transaction);
std::vector<std::uint8_t> encode_rtu(const Request& request, std::uint8_t unit);

/// What the device said: the values asked for (bits are 0 and 1), or why not.
struct Reply {
  std::uint8_t exception = 0;  ///< 0: none; else section 7's code
  std::vector<std::uint16_t> values;
};

/// "illegal data address" … of an exception code; "exception" for one that is not in the book.
std::string_view exception_name(std::uint8_t code);

/// An answer's function code and data without their frame. Errc::garbled when it is no answer to
/// `request`.
Result<Reply> decode_pdu(std::span<const std::uint8_t> pdu, const Request& request);

/// The answer to `request` in what has arrived over TCP; nothing while more is needed. Whole frames
/// of another transaction are late answers and are dropped. Errc::garbled: this is no Modbus.
Result<std::optional<Reply>> take_tcp(std::vector<std::uint8_t>& in, const Request& request,
                                      std::uint8_t unit, std::uint16_t transaction);

/// The same on a serial line, where noise and our own echo may stand before the answer: it is found
/// by unit, function, length and CRC. Nothing while there is none; what can no longer be a part of
/// one is dropped.
std::optional<Reply> take_rtu(std::vector<std::uint8_t>& in, const Request& request,
                              std::uint8_t unit);

/// Whether there is an answer to `request` in it that is whole but for its CRC: a board on a bad
/// line, and no other device.
bool has_damaged_rtu(std::span<const std::uint8_t> in, const Request& request, std::uint8_t unit);

/// CRC-16/MODBUS; sent low byte first.
std::uint16_t crc16(std::span<const std::uint8_t> bytes);

}  // namespace kw::drivers::modbus
