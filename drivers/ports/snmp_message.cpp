#include "drivers/ports/snmp_message.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace kw::drivers::snmp {
namespace {

// The subset of the Basic Encoding Rules that SNMP uses (RFC 3417, section 8): tags of one byte,
// lengths that are given.
enum Tag : std::uint8_t {
  tag_integer = 0x02,
  tag_octets = 0x04,
  tag_null = 0x05,
  tag_identifier = 0x06,
  tag_sequence = 0x30,
  tag_ip_address = 0x40,
  tag_counter32 = 0x41,
  tag_gauge32 = 0x42,
  tag_ticks = 0x43,
  tag_opaque = 0x44,
  tag_counter64 = 0x46,
  tag_no_such_object = 0x80,
  tag_no_such_instance = 0x81,
  tag_end_of_mib = 0x82,
};

// ---- writing ----------------------------------------------------------------------------------

using Bytes = std::vector<std::uint8_t>;

Bytes wrapped(std::uint8_t tag, const Bytes& inside) {
  Bytes out{tag};
  const auto size = inside.size();
  // As few bytes as there can be, as other encoders write it; two are enough for a datagram.
  if (size >= 0x100) {
    out.insert(out.end(), {0x82, static_cast<std::uint8_t>(size >> 8)});
  } else if (size >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(size));
  out.insert(out.end(), inside.begin(), inside.end());
  return out;
}

void append(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

Bytes integer(std::int32_t value) {
  Bytes inside;
  for (int shift = 24; shift >= 0; shift -= 8) {
    inside.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(value) >> shift));
  }
  // As few bytes as keep the sign.
  const auto spare = [&] {
    return inside.size() > 1 &&
           ((inside[0] == 0x00 && inside[1] < 0x80) || (inside[0] == 0xff && inside[1] >= 0x80));
  };
  while (spare()) inside.erase(inside.begin());
  return wrapped(tag_integer, inside);
}

void put_arc(Bytes& to, std::uint32_t arc) {
  for (int shift = 28; shift > 0; shift -= 7) {
    if (arc >> shift != 0) to.push_back(static_cast<std::uint8_t>(0x80 | ((arc >> shift) & 0x7f)));
  }
  to.push_back(static_cast<std::uint8_t>(arc & 0x7f));
}

/// `oid` has two arcs at least.
Bytes identifier(const Oid& oid) {
  Bytes inside;
  put_arc(inside, oid[0] * 40 + oid[1]);
  for (std::size_t i = 2; i < oid.size(); ++i) put_arc(inside, oid[i]);
  return wrapped(tag_identifier, inside);
}

// ---- reading ----------------------------------------------------------------------------------

/// One element: its tag, and what is inside.
struct Element {
  std::uint8_t tag = 0;
  std::span<const std::uint8_t> inside;
};

/// Takes elements off the front; says no where there is none.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : left_(bytes) {}

  bool empty() const { return left_.empty(); }

  std::optional<Element> next() {
    if (left_.size() < 2) return std::nullopt;
    const auto tag = left_[0];
    std::size_t length = left_[1];
    std::size_t head = 2;
    if ((tag & 0x1f) == 0x1f) return std::nullopt;  // a tag of several bytes
    if (length >= 0x80) {
      const std::size_t digits = length & 0x7f;  // 0: a length that is not given
      if (digits == 0 || digits > 4 || left_.size() < 2 + digits) return std::nullopt;
      length = 0;
      for (std::size_t i = 0; i < digits; ++i) length = length << 8 | left_[2 + i];
      head += digits;
    }
    if (left_.size() - head < length) return std::nullopt;
    const Element out{tag, left_.subspan(head, length)};
    left_ = left_.subspan(head + length);
    return out;
  }

  std::optional<Element> next(std::uint8_t tag) {
    auto out = next();
    return out && out->tag == tag ? out : std::nullopt;
  }

  std::optional<std::int32_t> integer();

 private:
  std::span<const std::uint8_t> left_;
};

/// Two's complement, as short as it likes.
std::optional<std::int64_t> signed_of(std::span<const std::uint8_t> inside) {
  if (inside.empty() || inside.size() > 8) return std::nullopt;
  auto out = static_cast<std::uint64_t>(inside[0] >= 0x80 ? -1 : 0);
  for (const auto byte : inside) out = out << 8 | byte;
  return static_cast<std::int64_t>(out);
}

/// Counters and the like are never negative. Agents that leave out the zero in front of a high bit
/// mean the large number all the same.
std::optional<std::int64_t> unsigned_of(std::span<const std::uint8_t> inside) {
  if (inside.empty()) return std::nullopt;
  while (inside.size() > 1 && inside[0] == 0) inside = inside.subspan(1);
  if (inside.size() > 8) return std::nullopt;
  std::uint64_t out = 0;
  for (const auto byte : inside) out = out << 8 | byte;
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(out, most));
}

std::optional<std::int32_t> Reader::integer() {
  const auto element = next(tag_integer);
  const auto value = element ? signed_of(element->inside) : std::nullopt;
  if (!value || *value < std::numeric_limits<std::int32_t>::min() ||
      *value > std::numeric_limits<std::int32_t>::max()) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*value);
}

std::optional<Oid> oid_of(std::span<const std::uint8_t> inside) {
  if (inside.empty() || inside.back() >= 0x80) return std::nullopt;
  Oid out;
  std::uint64_t arc = 0;
  for (const auto byte : inside) {
    arc = arc << 7 | (byte & 0x7f);
    if (arc > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
    if (byte >= 0x80) continue;
    const auto whole = static_cast<std::uint32_t>(arc);
    arc = 0;
    if (out.empty()) {
      // The first two arcs share a number; only the third root has more than 39 below it.
      const std::uint32_t root = std::min(whole / 40, 2U);
      out = {root, whole - root * 40};
    } else {
      out.push_back(whole);
    }
    if (out.size() > longest_oid) return std::nullopt;
  }
  return out;
}

std::optional<Value> value_of(const Element& element) {
  using Kind = Value::Kind;
  const auto number = [](std::optional<std::int64_t> n) {
    return n ? std::optional{Value{Kind::integer, *n, {}}} : std::nullopt;
  };
  switch (element.tag) {
    case tag_integer:
      return number(signed_of(element.inside));
    case tag_counter32:
    case tag_gauge32:
    case tag_ticks:
    case tag_counter64:
      return number(unsigned_of(element.inside));
    case tag_octets:
    case tag_ip_address:
    case tag_opaque:
      return Value{Kind::octets, 0, {element.inside.begin(), element.inside.end()}};
    case tag_identifier:
      return Value{Kind::identifier, 0, {}};
    case tag_null:
      return Value{};
    case tag_no_such_object:
    case tag_no_such_instance:
      return Value{Kind::none, 0, {}};
    case tag_end_of_mib:
      return Value{Kind::end_of_mib, 0, {}};
    default:
      // NsapAddress and other kinds that went out of use are left alone, not held against the rest.
      return (element.tag & 0xe0) == 0x40 ? std::optional{Value{}} : std::nullopt;
  }
}

Error garbled(std::string_view what) {
  return Error{Errc::garbled, fmt::format("not an SNMP message: {}", what)};
}

std::optional<Pdu> pdu_of(std::uint8_t tag) {
  // 0xa4, SNMPv1's trap, has fields of its own, and nobody sends it to us.
  if (tag < 0xa0 || tag > 0xa8 || tag == 0xa4) return std::nullopt;
  return static_cast<Pdu>(tag);
}

}  // namespace

bool below(const Oid& name, const Oid& prefix) {
  return name.size() > prefix.size() && std::equal(prefix.begin(), prefix.end(), name.begin());
}

std::vector<std::uint8_t> encode_request(std::int32_t version, const std::string& community,
                                         Pdu type, std::int32_t request_id,
                                         std::int32_t repetitions, std::span<const Oid> names) {
  Bytes list;
  for (const auto& name : names) {
    auto pair = identifier(name);
    append(pair, {tag_null, 0});
    append(list, wrapped(tag_sequence, pair));
  }
  Bytes pdu = integer(request_id);
  append(pdu, integer(0));
  append(pdu, integer(type == Pdu::get_bulk ? repetitions : 0));
  append(pdu, wrapped(tag_sequence, list));
  Bytes message = integer(version);
  append(message, wrapped(tag_octets, {community.begin(), community.end()}));
  append(message, wrapped(static_cast<std::uint8_t>(type), pdu));
  return wrapped(tag_sequence, message);
}

Result<Message> decode(std::span<const std::uint8_t> bytes) {
  const auto whole = Reader{bytes}.next(tag_sequence);
  if (!whole) return garbled("no sequence of the length it gives");
  Reader message{whole->inside};
  Message out;
  const auto version = message.integer();
  if (!version) return garbled("no version");
  if (*version != 0 && *version != 1) {
    return Error{Errc::unsupported, fmt::format("SNMP version field {}", *version)};
  }
  out.version = *version;
  const auto community = message.next(tag_octets);
  if (!community) return garbled("no community");
  out.community.assign(community->inside.begin(), community->inside.end());
  const auto body = message.next();
  const auto type = body ? pdu_of(body->tag) : std::nullopt;
  if (!type || !message.empty()) return garbled("no PDU that we know");
  out.type = *type;

  Reader pdu{body->inside};
  const auto id = pdu.integer();
  const auto status = id ? pdu.integer() : std::nullopt;
  const auto index = status ? pdu.integer() : std::nullopt;
  const auto list = index ? pdu.next(tag_sequence) : std::nullopt;
  if (!list || !pdu.empty()) return garbled("a PDU without its fields");
  out.request_id = *id;
  out.status = *status;
  out.index = *index;
  for (Reader variables{list->inside}; !variables.empty();) {
    const auto pair = variables.next(tag_sequence);
    if (!pair || out.variables.size() == most_variables) return garbled("no list of variables");
    Reader parts{pair->inside};
    const auto name = parts.next(tag_identifier);
    auto oid = name ? oid_of(name->inside) : std::nullopt;
    const auto content = oid ? parts.next() : std::nullopt;
    auto value = content ? value_of(*content) : std::nullopt;
    if (!value || !parts.empty()) return garbled("a variable without name or value");
    out.variables.push_back({std::move(*oid), std::move(*value)});
  }
  return out;
}

}  // namespace kw::drivers::snmp
