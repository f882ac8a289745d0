#include "collector/store/sqlite/checked.hpp"

#include <cstdint>

#include <boost/crc.hpp>

namespace kw::collector {
namespace {

constexpr std::string_view tag{"\xfd\x7f"};  // 2047 << 3 | 5
constexpr std::size_t check_bytes = 4;

std::string check_of(std::string_view body) {
  boost::crc_32_type crc;
  crc.process_bytes(body.data(), body.size());
  std::uint32_t value = crc.checksum();
  std::string out;
  for (std::size_t i = 0; i < check_bytes; ++i, value >>= 8) {
    out += static_cast<char>(value & 0xff);
  }
  return out;
}

}  // namespace

std::string with_check(std::string body) {
  const auto check = check_of(body);
  body += tag;
  return body += check;
}

bool check_holds(std::string_view body) {
  if (body.size() < tag.size() + check_bytes) return true;
  const auto without = body.substr(0, body.size() - tag.size() - check_bytes);
  if (body.substr(without.size(), tag.size()) != tag) return true;
  return body.substr(without.size() + tag.size()) == check_of(without);
}

}  // namespace kw::collector
