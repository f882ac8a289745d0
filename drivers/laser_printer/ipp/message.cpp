#include "drivers/laser_printer/ipp/message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "drivers/laser_printer/text.hpp"

namespace kw::drivers::ipp {
namespace {

constexpr std::uint8_t end_of_attributes = 0x03;
constexpr std::uint8_t first_value_tag = 0x10;  // below it: groups
constexpr std::uint16_t operation_get_printer_attributes = 0x000b;

enum : std::uint8_t {
  tag_integer = 0x21,
  tag_boolean = 0x22,
  tag_enum = 0x23,
  tag_octets = 0x30,
  tag_text_with_language = 0x35,
  tag_name_with_language = 0x36,
  tag_keyword = 0x44,
  tag_uri = 0x45,
  tag_charset = 0x47,
  tag_language = 0x48,
};

/// Takes big-endian numbers and lengths of bytes off the front; says no when there are too few.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  std::size_t at() const { return at_; }

  std::optional<std::uint32_t> number(std::size_t size) {
    if (bytes_.size() - at_ < size) return std::nullopt;
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < size; ++i) out = out << 8 | bytes_[at_ + i];
    at_ += size;
    return out;
  }

  /// Bytes with their length, two bytes, before them.
  std::optional<std::string> counted() {
    const auto length = number(2);
    if (!length || bytes_.size() - at_ < *length) return std::nullopt;
    const auto from = bytes_.subspan(at_, *length);
    at_ += *length;
    return std::string{from.begin(), from.end()};
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

Error garbled(const Reader& at, std::string_view what) {
  return Error{Errc::garbled, fmt::format("not an IPP answer: {} at byte {}", what, at.at())};
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::optional<std::string> text_of(const Value& value) {
  switch (value.tag) {
    case tag_text_with_language:
    case tag_name_with_language: {
      Reader in{bytes_of(value.bytes)};
      const auto language = in.counted();
      auto text = language ? in.counted() : std::nullopt;
      if (!text) return std::nullopt;
      return laser::readable(*text);
    }
    case tag_octets:
      return laser::readable(value.bytes);
    default:
      // 0x40 to 0x5f: character strings.
      if (value.tag < 0x40 || value.tag > 0x5f) return std::nullopt;
      return laser::readable(value.bytes);
  }
}

std::optional<std::int32_t> integer_of(const Value& value) {
  if ((value.tag != tag_integer && value.tag != tag_enum) || value.bytes.size() != 4) {
    return std::nullopt;
  }
  Reader in{bytes_of(value.bytes)};
  return static_cast<std::int32_t>(*in.number(4));
}

// ---- writing ----------------------------------------------------------------------------------

void put(std::vector<std::uint8_t>& out, std::uint32_t number, int size) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(number >> shift));
  }
}

void put_value(std::vector<std::uint8_t>& out, std::uint8_t tag, std::string_view name,
               std::string_view value) {
  out.push_back(tag);
  for (const auto part : {name, value}) {
    put(out, static_cast<std::uint32_t>(part.size()), 2);
    out.insert(out.end(), part.begin(), part.end());
  }
}

}  // namespace

const Attribute* Message::find(std::string_view name) const {
  for (const auto& group : groups) {
    if (group.tag != printer_group) continue;
    const auto it = std::ranges::find(group.attributes, name, &Attribute::name);
    if (it != group.attributes.end()) return &*it;
  }
  return nullptr;
}

std::vector<std::string> Message::texts(std::string_view name) const {
  std::vector<std::string> out;
  const auto* attribute = find(name);
  if (attribute == nullptr) return out;
  for (const auto& value : attribute->values) {
    if (auto text = text_of(value)) out.push_back(std::move(*text));
  }
  return out;
}

std::vector<std::int32_t> Message::integers(std::string_view name) const {
  std::vector<std::int32_t> out;
  const auto* attribute = find(name);
  if (attribute == nullptr) return out;
  for (const auto& value : attribute->values) {
    if (const auto number = integer_of(value)) out.push_back(*number);
  }
  return out;
}

std::optional<bool> Message::boolean(std::string_view name) const {
  const auto* attribute = find(name);
  if (attribute == nullptr || attribute->values.empty()) return std::nullopt;
  const auto& value = attribute->values.front();
  if (value.tag != tag_boolean || value.bytes.size() != 1) return std::nullopt;
  return value.bytes[0] != 0;
}

std::string Message::text(std::string_view name) const {
  auto all = texts(name);
  return all.empty() ? std::string{} : std::move(all.front());
}

std::optional<std::int32_t> Message::integer(std::string_view name) const {
  const auto all = integers(name);
  return all.empty() ? std::nullopt : std::optional{all.front()};
}

Result<Message> parse(std::span<const std::uint8_t> bytes) {
  Reader in{bytes};
  Message out;
  const auto version = in.number(2);
  const auto status = in.number(2);
  const auto id = in.number(4);
  if (!version || !status || !id) return garbled(in, "too short for a header");
  out.major = static_cast<std::uint8_t>(*version >> 8);
  out.minor = static_cast<std::uint8_t>(*version);
  out.status = static_cast<std::uint16_t>(*status);
  out.request_id = *id;
  if (out.major < 1 || out.major > 2) {
    return Error{Errc::garbled,
                 fmt::format("not an IPP answer: version {}.{}", out.major, out.minor)};
  }
  for (;;) {
    const auto tag = in.number(1);
    if (!tag) return garbled(in, "no end tag");
    if (*tag == end_of_attributes) return out;
    if (*tag < first_value_tag) {
      out.groups.push_back({static_cast<std::uint8_t>(*tag), {}});
      continue;
    }
    if (out.groups.empty()) return garbled(in, "an attribute outside any group");
    auto name = in.counted();
    auto value = name ? in.counted() : std::nullopt;
    if (!value) return garbled(in, "an attribute cut short");
    auto& attributes = out.groups.back().attributes;
    if (!name->empty()) {
      attributes.push_back({std::move(*name), {}});
    } else if (attributes.empty()) {
      return garbled(in, "a value without an attribute");
    }
    attributes.back().values.push_back({static_cast<std::uint8_t>(*tag), std::move(*value)});
  }
}

std::vector<std::uint8_t> get_printer_attributes(std::uint8_t major, std::uint8_t minor,
                                                 std::uint32_t request_id, std::string_view printer,
                                                 std::span<const std::string_view> wanted) {
  std::vector<std::uint8_t> out{major, minor};
  put(out, operation_get_printer_attributes, 2);
  put(out, request_id, 4);
  out.push_back(operation_group);
  put_value(out, tag_charset, "attributes-charset", "utf-8");
  put_value(out, tag_language, "attributes-natural-language", "en");
  put_value(out, tag_uri, "printer-uri", printer);
  std::string_view name = "requested-attributes";
  for (const auto keyword : wanted) {
    put_value(out, tag_keyword, name, keyword);
    name = {};  // further values of the same attribute
  }
  out.push_back(end_of_attributes);
  return out;
}

std::optional<Refusal> refusal(std::uint16_t status) {
  if (status < 0x0100) return std::nullopt;
  using enum Refusal::Kind;
  struct Row {
    std::uint16_t status;
    Errc code;
    std::string_view text;
    Refusal::Kind kind = error;
    std::string_view what_to_do = {};
  };
  // RFC 8011, appendix B.
  static constexpr std::array rows{
      Row{0x0401, Errc::refused, "client-error-forbidden", mistake, wants_login},
      Row{0x0402, Errc::refused, "client-error-not-authenticated", mistake, wants_login},
      Row{0x0403, Errc::refused, "client-error-not-authorized", mistake, wants_login},
      Row{0x0405, Errc::timeout, "client-error-timeout"},
      Row{0x0406, Errc::refused, "client-error-not-found", absent, no_printer_here},
      Row{0x0407, Errc::refused, "client-error-gone", absent, no_printer_here},
      Row{0x0500, Errc::garbled, "server-error-internal-error"},
      Row{0x0501, Errc::refused, "server-error-operation-not-supported"},
      Row{0x0502, Errc::timeout, "server-error-service-unavailable", busy},
      Row{version_not_supported, Errc::refused, "server-error-version-not-supported"},
      Row{0x0504, Errc::garbled, "server-error-device-error"},
      Row{0x0505, Errc::timeout, "server-error-temporary-error", busy},
      Row{0x0506, Errc::timeout, "server-error-not-accepting-jobs", busy},
      Row{0x0507, Errc::timeout, "server-error-busy", busy},
  };
  const auto row = std::ranges::find(rows, status, &Row::status);
  if (row == rows.end()) {
    return Refusal{error, Error{status >= 0x0500 ? Errc::garbled : Errc::refused,
                                fmt::format("IPP status 0x{:04x}", status)}};
  }
  auto text = std::string{row->text};
  if (!row->what_to_do.empty()) text.append(": ").append(row->what_to_do);
  return Refusal{row->kind, Error{row->code, std::move(text)}};
}

std::optional<std::string> field(std::string_view pairs, std::string_view key) {
  while (!pairs.empty()) {
    const auto end = std::min(pairs.find(';'), pairs.size());
    auto pair = pairs.substr(0, end);
    pairs.remove_prefix(std::min(end + 1, pairs.size()));
    pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
    if (pair.starts_with(key) && pair.substr(key.size()).starts_with('=')) {
      return std::string{pair.substr(key.size() + 1)};
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> number_field(std::string_view pairs, std::string_view key) {
  const auto text = field(pairs, key);
  if (!text) return std::nullopt;
  std::int64_t out = 0;
  const char* const end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, out);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return out;
}

}  // namespace kw::drivers::ipp
