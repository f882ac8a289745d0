#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.hpp"

namespace kw::drivers::snmp {

/// An object identifier, arc by arc. Compares as agents sort.
using Oid = std::vector<std::uint32_t>;

inline constexpr std::size_t longest_oid = 128;     ///< arcs (RFC 2578, section 3.5)
inline constexpr std::size_t most_variables = 256;  ///< of one message; we ask for fewer

/// Whether `name` stands below `prefix`.
bool below(const Oid& name, const Oid& prefix);

/// One value (RFC 2578, section 7.1; exceptions: RFC 3416, section 3).
struct Value {
  enum class Kind : std::uint8_t {
    null,
    integer,     ///< `number`: INTEGER, Counter32, Gauge32, TimeTicks, Counter64
    octets,      ///< `octets`: OCTET STRING, IpAddress, Opaque
    identifier,  ///< an OBJECT IDENTIFIER; its value is not kept
    none,        ///< noSuchObject, noSuchInstance
    end_of_mib,
  };

  Kind kind = Kind::null;
  std::int64_t number = 0;  ///< a Counter64 above the largest is the largest
  std::string octets;
};

struct Variable {
  Oid name;
  Value value;
};

/// Kinds of PDUs, by their tags (RFC 3416, section 3).
enum class Pdu : std::uint8_t {
  get = 0xa0,
  get_next = 0xa1,
  response = 0xa2,
  set = 0xa3,
  get_bulk = 0xa5,
  inform = 0xa6,
  trap = 0xa7,
  report = 0xa8,
};

/// error-status (RFC 3416, section 3). The agent's others are treated alike.
enum ErrorStatus : std::int32_t { no_error = 0, too_big = 1, no_such_name = 2 };

/// A message of SNMPv1 or SNMPv2c (RFC 1157, RFC 1901) around any PDU but SNMPv1's trap.
struct Message {
  std::int32_t version = 1;  ///< 0: SNMPv1; 1: SNMPv2c
  std::string community;
  Pdu type = Pdu::response;
  std::int32_t request_id = 0;
  std::int32_t status = 0;  ///< error-status; of get_bulk: non-repeaters
  std::int32_t index = 0;   ///< error-index, counted from 1; of get_bulk: max-repetitions
  std::vector<Variable> variables;
};

/// A request for `names`: get, get_next, or get_bulk of them all with `repetitions`.
std::vector<std::uint8_t> encode_request(std::int32_t version, const std::string& community,
                                         Pdu type, std::int32_t request_id,
                                         std::int32_t repetitions, std::span<const Oid> names);

/// Reads a message. Errc::garbled: it is none; Errc::unsupported is
/// another version's; bytes behind the message are left alone.
Result<Message> decode(std::span<const std::uint8_t> bytes);

}  // namespace kw::drivers::snmp
