#include "drivers/network/probe/dns.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <fmt/format.h>

namespace kw::drivers::network {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::uint16_t class_in = 1;
constexpr std::uint8_t pointer = 0xc0;  // RFC 1035 section 4.1.4
// A name of 253 characters has at most 127 labels; each pointer must lead back to save one.
constexpr int most_jumps = 127;

Error garbled(std::string_view what) {
  return Error{Errc::garbled, fmt::format("not a DNS answer: {}", what)};
}

void put16(std::vector<std::uint8_t>& out, std::uint16_t v) {
  out.push_back(static_cast<std::uint8_t>(v >> 8));
  out.push_back(static_cast<std::uint8_t>(v));
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (out.ends_with('.')) out.pop_back();
  return out;
}

/// Reads fields one after another; every read says whether it was inside the message.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> message) : message_(message) {}

  std::optional<std::uint16_t> u16() {
    if (at_ + 2 > message_.size()) return std::nullopt;
    const auto out = static_cast<std::uint16_t>(message_[at_] << 8 | message_[at_ + 1]);
    at_ += 2;
    return out;
  }
  std::optional<std::span<const std::uint8_t>> bytes(std::size_t count) {
    if (count > message_.size() - at_) return std::nullopt;
    const auto out = message_.subspan(at_, count);
    at_ += count;
    return out;
  }
  /// A name, in lower case, with its compression undone.
  std::optional<std::string> name() {
    std::string out;
    auto at = at_;
    bool jumped = false;
    for (int jumps = 0;;) {
      if (at >= message_.size()) return std::nullopt;
      const auto size = message_[at];
      if ((size & pointer) == pointer) {
        if (at + 1 >= message_.size() || ++jumps > most_jumps) return std::nullopt;
        if (!jumped) at_ = at + 2;
        jumped = true;
        const auto to = static_cast<std::size_t>((size & ~pointer) << 8 | message_[at + 1]);
        if (to >= at) return std::nullopt;  // only back: never round and round
        at = to;
        continue;
      }
      if ((size & pointer) != 0) return std::nullopt;
      ++at;
      if (size == 0) break;
      if (size > message_.size() - at || out.size() + size > 255) return std::nullopt;
      if (!out.empty()) out += '.';
      out.append(reinterpret_cast<const char*>(message_.data()) + at, size);
      at += size;
    }
    if (!jumped) at_ = at;
    return lower(out);
  }

 private:
  std::span<const std::uint8_t> message_;
  std::size_t at_ = 0;
};

struct Record {
  std::uint16_t type = 0;
  std::uint16_t of_class = 0;
  std::span<const std::uint8_t> data;
};

std::optional<Record> read_record(Reader& in) {
  const auto name = in.name();
  const auto type = in.u16();
  const auto of_class = in.u16();
  const auto ttl = in.bytes(4);
  const auto size = in.u16();
  if (!name || !type || !of_class || !ttl || !size) return std::nullopt;
  const auto data = in.bytes(*size);
  if (!data) return std::nullopt;
  return Record{*type, *of_class, *data};
}

std::optional<std::string> address_of(const Record& record, RecordType type) {
  if (record.of_class != class_in || record.type != static_cast<std::uint16_t>(type)) {
    return std::nullopt;
  }
  namespace ip = boost::asio::ip;
  if (type == RecordType::a && record.data.size() == 4) {
    ip::address_v4::bytes_type bytes{};
    std::ranges::copy(record.data, bytes.begin());
    return ip::address_v4{bytes}.to_string();
  }
  if (type == RecordType::aaaa && record.data.size() == 16) {
    ip::address_v6::bytes_type bytes{};
    std::ranges::copy(record.data, bytes.begin());
    return ip::address_v6{bytes}.to_string();
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<std::uint8_t>> dns_query(std::uint16_t id, std::string_view name,
                                            RecordType type) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > 253) {
    return Error{Errc::invalid, fmt::format("\"{}\" is no name to look up", name)};
  }
  std::vector<std::uint8_t> out;
  put16(out, id);
  put16(out, 0x0100);  // a query, recursion desired
  put16(out, 1);
  for (int i = 0; i < 3; ++i) put16(out, 0);
  for (auto rest = name;;) {
    const auto dot = rest.find('.');
    const auto label = rest.substr(0, dot);
    if (label.empty() || label.size() > 63) {
      return Error{Errc::invalid, fmt::format("\"{}\" is no name to look up", name)};
    }
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  out.push_back(0);
  put16(out, static_cast<std::uint16_t>(type));
  put16(out, class_in);
  return out;
}

Result<DnsAnswer> dns_answer(std::span<const std::uint8_t> message, std::uint16_t id,
                             std::string_view name, RecordType type) {
  if (message.size() < header_size) return garbled("too short");
  Reader in{message};
  const auto theirs = *in.u16();
  const auto flags = *in.u16();
  const auto questions = *in.u16();
  const auto answers = *in.u16();
  in.bytes(4);
  if (theirs != id) return Error{Errc::refused, "answers another query"};
  if ((flags & 0x8000) == 0) return garbled("it is a query");
  DnsAnswer out{.code = flags & 0x0f, .truncated = (flags & 0x0200) != 0, .addresses = {}};
  if (questions > 1) return garbled("more than one question");
  if (questions == 1) {
    const auto asked = in.name();
    const auto of_type = in.u16();
    const auto of_class = in.u16();
    if (!asked || !of_type || !of_class) return garbled("its question is cut off");
    if (*asked != lower(name) || *of_type != static_cast<std::uint16_t>(type)) {
      return Error{Errc::refused, "answers another question"};
    }
  } else if (out.code == 0) {
    return garbled("an answer without its question");
  }
  for (int i = 0; i < answers; ++i) {
    const auto record = read_record(in);
    if (!record && out.truncated) break;
    if (!record) return garbled("a record is cut off");
    // Whatever the owner is called: an alias (CNAME) leads there.
    if (auto address = address_of(*record, type)) out.addresses.push_back(std::move(*address));
  }
  std::ranges::sort(out.addresses);
  return out;
}

std::string dns_code_name(int code) {
  constexpr std::string_view names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};
  if (code >= 0 && static_cast<std::size_t>(code) < std::size(names)) {
    return std::string{names[code]};
  }
  return fmt::format("RCODE {}", code);
}

}  // namespace kw::drivers::network
