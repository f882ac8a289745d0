#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/simulators/player.hpp"

namespace kw::devices::snmp {

using Oid = std::vector<std::uint32_t>;

/// A value as it stands on the wire (RFC 2578, section 7.1).
struct Value {
  std::uint8_t tag = 0x05;
  Bytes content;
};

Value integer(std::int64_t number);
Value counter(std::int64_t number);
Value ticks(std::int64_t hundredths);
Value octets(Bytes bytes);
Value text(std::string_view words);
Value object(const Oid& oid);

/// "1.3.6.1.2.1.1.1.0".
Oid oid(std::string_view dotted);

/// The agent of a device: answers Get, GetNext and GetBulk of SNMPv1 and SNMPv2c from a table
/// (RFC 1157, RFC 3416), and lets nobody set anything. Written from those and not from the driver.
struct Agent {
  std::map<Oid, Value> table;
  std::string community = "public";
  bool only_v1 = false;          ///< as print servers of old
  std::size_t largest = 1472;    ///< bytes of an answer: one Ethernet frame
  std::int32_t wrong_id_by = 0;  ///< added to every answer's request id

  /// Empty where an agent is silent: another community or version, or no SNMP.
  Bytes answer(std::span<const std::uint8_t> request) const;
};

}  // namespace kw::devices::snmp
