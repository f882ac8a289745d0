#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "drivers/ports/snmp.hpp"
#include "drivers/ports/snmp_message.hpp"

namespace kw::drivers::snmp {

/// What an agent said, in the order of agents.
using Table = std::map<Oid, Value>;

/// A column of a table to be read.
struct Column {
  Oid prefix;
  Oid after = {};         ///< where to begin: the first name behind it; empty: `prefix`
  std::size_t rows = 32;  ///< at most
};

/// Asks an agent, with SNMPv1's means, SNMPv2c's or a session of SNMPv3. Keeps what it learnt of
/// what the agent can send at once: it does not learn.
class Client {
 public:
  /// `patience`: how long one answer may take before the question is asked once more.
  explicit Client(Duration patience) : patience_(patience) {}

  /// From now on by this port. The number of the next request is taken from the port's clock.
  void attach(SnmpPort& port);
  void detach() { port_ = nullptr; }

  /// Everything below the columns' prefixes, as far as the agent has it; a column that it has not,
  /// or fails on, is left out. timeout, disconnected; garbled: it answers, but no SNMP; refused: it
  /// answers with another version.
  Result<Table> read(std::vector<Column> columns, MonoTime deadline);

 private:
  struct Cursor;

  Result<Message> ask(Pdu type, std::int32_t repetitions, std::span<const Oid> names,
                      MonoTime deadline);
  Result<Message> exchange(std::span<const std::uint8_t> request, std::int32_t id, MonoTime until);
  Result<Message> await(std::int32_t id, MonoTime until);
  Result<Message> ask_rows(std::span<Cursor*> chosen, MonoTime deadline);
  void take(const Message& answer, std::span<Cursor*> chosen, Table& into);
  void refused(const Message& answer, std::span<Cursor*> chosen);

  SnmpPort* port_ = nullptr;
  Duration patience_;
  std::int32_t next_id_ = 1;
  std::size_t width_ = 8;   ///< columns asked for at once
  std::int32_t depth_ = 5;  ///< rows asked for at once
};

}  // namespace kw::drivers::snmp
