#include "drivers/simulators/snmp_agent.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace kw::devices::snmp {
namespace {

constexpr std::uint8_t get = 0xa0, get_next = 0xa1, response = 0xa2, get_bulk = 0xa5;
constexpr std::uint8_t number_tag = 0x02, octets_tag = 0x04, oid_tag = 0x06, sequence = 0x30;
constexpr std::uint8_t no_such_instance = 0x81, end_of_mib = 0x82;
constexpr std::int64_t too_big = 1, no_such_name = 2, read_only = 4, no_access = 6;

void add(Bytes& to, const Bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

Bytes element(std::uint8_t tag, const Bytes& content) {
  Bytes length;
  for (auto left = content.size(); left != 0; left >>= 8) {
    length.insert(length.begin(), static_cast<std::uint8_t>(left));
  }
  Bytes out{tag};
  if (content.size() >= 0x80) out.push_back(static_cast<std::uint8_t>(0x80 | length.size()));
  if (content.empty()) out.push_back(0);
  add(out, length);
  add(out, content);
  return out;
}

Bytes number_content(std::int64_t number) {
  Bytes out;
  do {
    out.insert(out.begin(), static_cast<std::uint8_t>(number));
    number >>= 8;
  } while ((number != 0 || out.front() >= 0x80) && (number != -1 || out.front() < 0x80));
  return out;
}

Bytes oid_content(const Oid& oid) {
  Bytes out;
  for (std::size_t i = 1; i < oid.size(); ++i) {
    std::uint64_t arc = i == 1 ? oid[0] * 40 + oid[1] : oid[i];
    Bytes digits{static_cast<std::uint8_t>(arc & 0x7f)};
    for (arc >>= 7; arc != 0; arc >>= 7) {
      digits.insert(digits.begin(), static_cast<std::uint8_t>(0x80 | (arc & 0x7f)));
    }
    add(out, digits);
  }
  return out;
}

/// What is left of a request. Anything wrong makes it `bad`, and everything after it empty.
struct In {
  std::span<const std::uint8_t> left;
  bool bad = false;

  std::pair<std::uint8_t, std::span<const std::uint8_t>> take() {
    std::size_t length = left.size() >= 2 ? left[1] : 0;
    std::size_t head = 2;
    if (length > 0x80) {
      const auto digits = length - 0x80;
      length = 0;
      for (std::size_t i = 0; i < digits && head < left.size(); ++i) {
        length = length * 256 + left[head++];
      }
    }
    bad = bad || left.size() < head || left.size() - head < length;
    if (bad) return {};
    const auto tag = left[0];
    const auto content = left.subspan(head, length);
    left = left.subspan(head + length);
    return {tag, content};
  }

  std::span<const std::uint8_t> take(std::uint8_t wanted) {
    const auto [tag, content] = take();
    bad = bad || tag != wanted;
    return content;
  }

  std::int64_t number() {
    const auto content = take(number_tag);
    std::int64_t out = !content.empty() && content[0] >= 0x80 ? -1 : 0;
    for (const auto byte : content) out = static_cast<std::int64_t>(out * 256 + byte);
    bad = bad || content.empty() || content.size() > 5;
    return out;
  }
};

Oid read_oid(std::span<const std::uint8_t> content) {
  Oid out;
  std::uint32_t arc = 0;
  for (const auto byte : content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (out.empty()) {
      out = {std::min(arc / 40, 2U), arc - std::min(arc / 40, 2U) * 40};
    } else {
      out.push_back(arc);
    }
    arc = 0;
  }
  return out;
}

struct Request {
  std::int64_t version = 0;
  std::string community;
  std::uint8_t type = 0;
  std::int64_t id = 0;
  std::int64_t first = 0;   ///< non-repeaters
  std::int64_t second = 0;  ///< max-repetitions
  std::vector<Oid> names;
};

std::optional<Request> read(std::span<const std::uint8_t> bytes) {
  In whole{bytes};
  In message{whole.take(sequence), whole.bad};
  Request out;
  out.version = message.number();
  const auto community = message.take(octets_tag);
  out.community.assign(community.begin(), community.end());
  const auto [type, content] = message.take();
  out.type = type;
  In pdu{content, message.bad};
  out.id = pdu.number();
  out.first = pdu.number();
  out.second = pdu.number();
  for (In list{pdu.take(sequence), pdu.bad}; !list.left.empty() || list.bad;) {
    In pair{list.take(sequence), list.bad};
    out.names.push_back(read_oid(pair.take(oid_tag)));
    if (pair.bad) return std::nullopt;
  }
  if (pdu.bad) return std::nullopt;
  return out;
}

/// One variable, name and value.
Bytes variable(const Oid& name, const Value& value) {
  auto pair = element(oid_tag, oid_content(name));
  add(pair, element(value.tag, value.content));
  return element(sequence, pair);
}

}  // namespace

Value integer(std::int64_t number) { return {number_tag, number_content(number)}; }
Value counter(std::int64_t number) { return {0x41, number_content(number)}; }
Value ticks(std::int64_t hundredths) { return {0x43, number_content(hundredths)}; }
Value octets(Bytes bytes) { return {octets_tag, std::move(bytes)}; }
Value text(std::string_view words) { return octets({words.begin(), words.end()}); }
Value object(const Oid& oid) { return {oid_tag, oid_content(oid)}; }

Oid oid(std::string_view dotted) {
  Oid out;
  const char* at = dotted.data();
  const char* const end = at + dotted.size();
  while (at < end) {
    std::uint32_t arc = 0;
    at = std::from_chars(at, end, arc).ptr + 1;
    out.push_back(arc);
  }
  return out;
}

Bytes Agent::answer(std::span<const std::uint8_t> request) const {
  const auto asked = read(request);
  if (!asked || asked->community != community) return {};
  const bool v1 = asked->version == 0;
  if (!v1 && (asked->version != 1 || only_v1)) return {};
  if (v1 && asked->type == get_bulk) return {};

  const auto reply = [&](std::int64_t status, std::int64_t index, const Bytes& list) {
    auto pdu = element(number_tag, number_content(asked->id + wrong_id_by));
    add(pdu, element(number_tag, number_content(status)));
    add(pdu, element(number_tag, number_content(index)));
    add(pdu, element(sequence, list));
    auto message = element(number_tag, number_content(asked->version));
    add(message, element(octets_tag, {community.begin(), community.end()}));
    add(message, element(response, pdu));
    return element(sequence, message);
  };
  Bytes asked_list;
  for (const auto& name : asked->names) add(asked_list, variable(name, {}));
  if (asked->type != get && asked->type != get_next && asked->type != get_bulk) {
    return reply(v1 ? read_only : no_access, 1, asked_list);
  }

  const auto names = asked->names.size();
  const bool bulk = asked->type == get_bulk;
  const auto once =
      bulk ? std::min(static_cast<std::size_t>(std::max<std::int64_t>(asked->first, 0)), names)
           : names;
  const auto again = bulk ? std::max<std::int64_t>(asked->second, 0) : 0;
  auto at = asked->names;
  Bytes list;
  const auto serve = [&](std::size_t i) -> std::optional<Bytes> {
    const auto it = asked->type == get ? table.find(at[i]) : table.upper_bound(at[i]);
    if (it != table.end()) {
      at[i] = it->first;
      return variable(it->first, it->second);
    }
    if (v1) return std::nullopt;
    return variable(at[i], {asked->type == get ? no_such_instance : end_of_mib, {}});
  };
  for (std::size_t i = 0; i < once; ++i) {
    const auto pair = serve(i);
    if (!pair) return reply(no_such_name, static_cast<std::int64_t>(i) + 1, asked_list);
    add(list, *pair);
  }
  if (reply(0, 0, list).size() > largest) return reply(too_big, 0, v1 ? asked_list : Bytes{});
  for (std::int64_t round = 0; round < again && once < names; ++round) {
    for (std::size_t i = once; i < names; ++i) {
      auto longer = list;
      add(longer, *serve(i));  // never missing: this is no SNMPv1
      if (reply(0, 0, longer).size() > largest) return reply(0, 0, list);
      list = std::move(longer);
    }
  }
  return reply(0, 0, list);
}

}  // namespace kw::devices::snmp
