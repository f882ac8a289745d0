#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "common/result.hpp"
#include "drivers/port.hpp"
#include "drivers/ports/snmp_address.hpp"
#include "drivers/ports/snmp_message.hpp"

namespace kw::drivers {

/// An agent that is spoken to by SNMPv3, where a library writes and reads the messages. One thread
/// at a time uses it; the wire below it may be cancelled from another.
class SnmpSession {
 public:
  virtual ~SnmpSession() = default;

  /// One question, sent once. get_next, or get_bulk with `repetitions`. The answer is a response
  /// that proved itself as far as the user's level goes. timeout, disconnected; refused: the agent
  /// will not have this user, and why; garbled: it answers, but not this.
  virtual Result<snmp::Message> ask(snmp::Pdu type, std::int32_t repetitions,
                                    std::span<const snmp::Oid> names, MonoTime until) = 0;
};

// Of two sources one is in a program: snmp_v3.cpp, which needs net-snmp, or snmp_v3_absent.cpp.

/// Whether this program can speak SNMPv3.
bool snmp_v3_built_in();

/// A session of `user` over `wire`, which carries datagrams and outlives it. Nobody is asked yet.
/// Errc::unsupported: not built in, or not with the user's protocols.
Result<std::unique_ptr<SnmpSession>> open_snmp_v3(const SnmpUser& user, const SnmpSecrets& secrets,
                                                  Port& wire);

}  // namespace kw::drivers
