// SNMP messages against their vectors.
#include <algorithm>
#include <regex>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "drivers/laser_printer/snmp/troubles.hpp"
#include "drivers/ports/snmp_message.hpp"
#include "tests/drivers/vectors.hpp"

namespace kw::drivers {
namespace {

using snmp::Message;
using snmp::Oid;
using snmp::Pdu;
using Kind = snmp::Value::Kind;

bool is_question(Pdu type) {
  return type == Pdu::get || type == Pdu::get_next || type == Pdu::get_bulk;
}

bool same(const Message& a, const Message& b) {
  const auto name = [](const snmp::Variable& v) { return v.name; };
  return a.version == b.version && a.community == b.community && a.type == b.type &&
         a.request_id == b.request_id && a.index == b.index &&
         std::ranges::equal(a.variables, b.variables, {}, name, name);
}

/// What the encoder makes of the same question is the row, byte for byte; a row whose lengths or
/// numbers are written longer than they must be is the same message.
void encode_again(const Message& message, const std::vector<std::uint8_t>& bytes) {
  const bool ours = message.status == 0 && (message.type == Pdu::get_bulk || message.index == 0) &&
                    std::ranges::all_of(message.variables, [](const snmp::Variable& v) {
                      return v.value.kind == Kind::null;
                    });
  if (!ours) return;
  std::vector<Oid> names;
  for (const auto& variable : message.variables) names.push_back(variable.name);
  const auto made = snmp::encode_request(message.version, message.community, message.type,
                                         message.request_id, message.index, names);
  if (made.size() >= bytes.size()) {
    CHECK(made == bytes);
    return;
  }
  const auto again = snmp::decode(made);
  REQUIRE(bool(again));
  CHECK(same(*again, message));
}

void add_troubles(const Message& message, Outcome& out) {
  const Oid detected{1, 3, 6, 1, 2, 1, 25, 3, 5, 1, 2};
  const auto state = std::ranges::find_if(message.variables, [&](const snmp::Variable& v) {
    return snmp::below(v.name, detected) && v.value.kind == Kind::octets;
  });
  if (state == message.variables.end()) return;
  snmp::Table table;
  for (const auto& variable : message.variables) table[variable.name] = variable.value;
  const auto device = state->name.back();
  snmp::Stock stock;
  const auto findings = snmp::findings_of(snmp::Said{table}, {device, device}, stock);
  for (const auto& condition : findings.conditions()) out.add(condition.code);
  out.tells.insert(out.tells.end(),
                   {"media-", "toner-", "door-", "printer-offline", "service-", "input-tray-",
                    "output-", "marker-", "maintenance-", "nothing-wrong"});
  if (findings.conditions().empty()) out.add("nothing-wrong");
}

/// By the length that it gives itself.
std::size_t message_size(const std::vector<std::uint8_t>& bytes) {
  const std::size_t digits = bytes[1] < 0x80 ? 0 : bytes[1] & 0x7fU;
  std::size_t length = digits == 0 ? bytes[1] : 0;
  for (std::size_t i = 0; i < digits; ++i) length = length << 8U | bytes[2 + i];
  return 2 + digits + length;
}

std::string dotted(const Oid& oid) {
  std::string out;
  for (const auto arc : oid) out += (out.empty() ? "" : ".") + std::to_string(arc);
  return out;
}

/// "-> 42", "value -3", "= 17" at the end: a number that one of the values is.
void hold_numbers(const Vector& vector, const Message& message) {
  static const std::regex given{
      "(?:->|\\bvalue|\\blevel) *=? *(-?[0-9]+)(?![0-9a-f.x]| ?[a-f0-9]{2}\\b)"};
  std::vector<std::int64_t> numbers;
  for (const auto& variable : message.variables) {
    if (variable.value.kind == Kind::integer) numbers.push_back(variable.value.number);
  }
  if (numbers.empty()) return;
  std::smatch found;
  if (!std::regex_search(vector.meaning, found, given)) return;
  CHECK(std::ranges::find(numbers, std::stoll(found[1].str())) != numbers.end());
}

/// The numbered name that a row gives is among those of the message.
void hold_names(const Vector& vector, const Message& message) {
  static const std::regex given{"\\b1\\.3\\.6\\.1(\\.[0-9]+)+"};
  std::smatch found;
  if (!std::regex_search(vector.meaning, found, given)) return;
  const auto wanted = found[0].str();
  CHECK(std::ranges::any_of(message.variables, [&](const snmp::Variable& v) {
    return dotted(v.name).starts_with(wanted);
  }));
}

Outcome outcome_of(const Vector& vector) {
  const auto message = snmp::decode(vector.bytes);
  if (!message) {
    Outcome out = refused(message.error().text());
    // Version 3 is refused by name, and not as noise.
    out.taken = message.error().code() == Errc::unsupported && !vector.broken();
    if (out.taken) CHECK(has_any_word(vector.words(), {"v3", "snmpv3", "version 3", "usm"}));
    return out;
  }
  Outcome out;
  out.taken = true;
  out.tells = {"pdu:", "version:", "error:", "none", "end_of_mib"};
  out.add(fmt::format("pdu:{:02x}", static_cast<unsigned>(message->type)));
  out.add(fmt::format("version:{}", message->version));
  if (message->type == Pdu::response) out.add(fmt::format("error:{}", message->status));
  for (const auto& variable : message->variables) {
    if (variable.value.kind == Kind::none) out.add("none");
    if (variable.value.kind == Kind::end_of_mib) out.add("end_of_mib");
  }
  if (is_question(message->type)) encode_again(*message, vector.bytes);
  add_troubles(*message, out);
  hold_numbers(vector, *message);
  hold_names(vector, *message);
  // Agents may send bytes behind a message; one byte less than the message is none.
  for (std::size_t n = 0; n < message_size(vector.bytes); ++n) {
    CAPTURE(n);
    CHECK_FALSE(bool(snmp::decode(std::span{vector.bytes}.first(n))));
  }
  return out;
}

}  // namespace

Outcome snmp_request(const Vector& vector) { return outcome_of(vector); }
Outcome snmp_reply(const Vector& vector) { return outcome_of(vector); }

}  // namespace kw::drivers
