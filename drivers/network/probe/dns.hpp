#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace kw::drivers::network {

/// The record types that are asked for (RFC 1035 section 3.2.2, RFC 3596).
enum class RecordType : std::uint16_t { a = 1, aaaa = 28 };

/// A recursive query for one name (RFC 1035 section 4.1). Errc::invalid: no name that can be
/// asked for (a label of 1 to 63 bytes, 253 in all).
Result<std::vector<std::uint8_t>> dns_query(std::uint16_t id, std::string_view name,
                                            RecordType type);

/// An answer, as far as a probe wants to know it.
struct DnsAnswer {
  int code = 0;                        ///< RCODE: 0 no error, 2 server failure, 3 no such name
  bool truncated = false;              ///< there is more than fits a datagram
  std::vector<std::string> addresses;  ///< of the asked type, as text, sorted
};

/// Reads the answer to the query `id` for `name`. Errc::garbled when it is no DNS message;
/// Errc::refused when it answers something else: another id, name or type.
Result<DnsAnswer> dns_answer(std::span<const std::uint8_t> message, std::uint16_t id,
                             std::string_view name, RecordType type);

/// "NOERROR", "NXDOMAIN", "SERVFAIL" …; "RCODE 9" for one without a name here.
std::string dns_code_name(int code);

}  // namespace kw::drivers::network
