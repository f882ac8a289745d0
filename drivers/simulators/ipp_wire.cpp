#include "drivers/simulators/ipp_wire.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace kw::devices::ipp {
namespace {

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t out = 0;
  for (const char c : bytes) out = out << 8 | static_cast<std::uint8_t>(c);
  return out;
}

/// Takes `size` bytes off the front; fewer when there are not so many.
std::string_view take(std::string_view& from, std::size_t size) {
  const auto out = from.substr(0, size);
  from.remove_prefix(out.size());
  return out;
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

}  // namespace

Request read_request(std::string_view bytes) {
  Request out;
  if (bytes.size() < 9) return out;
  out.major = static_cast<std::uint8_t>(take(bytes, 1)[0]);
  out.minor = static_cast<std::uint8_t>(take(bytes, 1)[0]);
  out.operation = static_cast<std::uint16_t>(big_endian(take(bytes, 2)));
  out.id = big_endian(take(bytes, 4));
  std::vector<std::string> order;
  std::string_view current;
  while (!bytes.empty()) {
    const auto tag = static_cast<std::uint8_t>(take(bytes, 1)[0]);
    if (tag == 0x03) {
      out.well_formed = order.size() >= 3 && order[0] == "attributes-charset" &&
                        order[1] == "attributes-natural-language" && order[2] == "printer-uri";
      return out;
    }
    if (tag < 0x10) continue;
    const auto name = take(bytes, big_endian(take(bytes, 2)));
    const auto value = take(bytes, big_endian(take(bytes, 2)));
    if (!name.empty()) {
      order.emplace_back(name);
      current = name;
    }
    if (current == "requested-attributes") out.wanted.emplace(value);
  }
  return out;
}

Writer::Writer(std::uint8_t major, std::uint8_t minor, std::uint16_t status, std::uint32_t id) {
  number(major, 1);
  number(minor, 1);
  number(status, 2);
  number(id, 4);
  number(0x01, 1);
  value(0x47, "attributes-charset", "utf-8");
  value(0x48, "attributes-natural-language", "en");
}

void Writer::printer_attributes(const std::set<std::string, std::less<>>& wanted) {
  wanted_ = &wanted;
  number(0x04, 1);
}

void Writer::texts(std::uint8_t tag, std::string_view name,
                   const std::vector<std::string>& values) {
  if (!asked_for(name)) return;
  // Further values of an attribute have no name.
  for (const auto& v : values) value(tag, std::exchange(name, {}), v);
}

void Writer::text(std::uint8_t tag, std::string_view name, const std::string& value) {
  texts(tag, name, {value});
}

void Writer::numbers(std::uint8_t tag, std::string_view name,
                     const std::vector<std::int64_t>& values) {
  std::vector<std::string> raw;
  for (const auto v : values) {
    const auto bits = static_cast<std::uint32_t>(v);
    raw.push_back({static_cast<char>(bits >> 24), static_cast<char>(bits >> 16),
                   static_cast<char>(bits >> 8), static_cast<char>(bits)});
  }
  texts(tag, name, raw);
}

void Writer::boolean(std::string_view name, bool value) {
  text(0x22, name, std::string(1, value ? '\1' : '\0'));
}

std::string Writer::done() {
  number(0x03, 1);
  return std::move(out_);
}

bool Writer::asked_for(std::string_view name) const {
  const bool all =
      wanted_->empty() || wanted_->contains("all") || wanted_->contains("printer-description");
  return all || wanted_->contains(name);
}

void Writer::number(std::uint32_t v, int size) {
  while (size-- > 0) out_ += static_cast<char>(v >> size * 8);
}

void Writer::value(std::uint8_t tag, std::string_view name, std::string_view v) {
  number(tag, 1);
  for (const auto part : {name, v}) {
    number(static_cast<std::uint32_t>(part.size()), 2);
    out_ += part;
  }
}

std::optional<std::string> header(std::string_view head, std::string_view name) {
  const auto text = lower(head);
  const auto at = text.find(fmt::format("\r\n{}:", name));
  if (at == std::string::npos) return std::nullopt;
  const auto from = text.find_first_not_of(' ', at + name.size() + 3);
  return text.substr(from, text.find("\r\n", from) - from);
}

std::string http(int status, std::string_view reason, std::string_view type, std::string_view body,
                 bool chunked) {
  auto out = fmt::format("HTTP/1.1 {} {}\r\nServer: IPP/2.0\r\n", status, reason);
  if (!type.empty()) out += fmt::format("Content-Type: {}\r\n", type);
  if (!chunked) return out + fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
  out += "Transfer-Encoding: chunked\r\n\r\n";
  constexpr std::size_t piece = 100;
  while (!body.empty()) {
    const auto part = take(body, piece);
    out += fmt::format("{:x}\r\n{}\r\n", part.size(), part);
  }
  return out + "0\r\n\r\n";
}

}  // namespace kw::devices::ipp
