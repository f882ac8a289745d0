#include <charconv>

#include "common/link/tls.hpp"

namespace kw::link {

Result<Endpoint> Endpoint::parse(const std::string& text) {
  const Error wrong{Errc::invalid, "not host:port or [address]:port: \"" + text + "\""};
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return wrong;
  Endpoint at;
  at.host = text.substr(0, colon);
  if (at.host.size() > 2 && at.host.front() == '[' && at.host.back() == ']') {
    at.host = at.host.substr(1, at.host.size() - 2);
  } else if (at.host.find_first_of(":[]") != std::string::npos) {
    return wrong;  // an IPv6 address without its brackets: which colon ends it?
  }
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, at.port);
  const bool blank = at.host.find_first_of(" \t\r\n/@") != std::string::npos;
  if (at.host.empty() || blank || read.ec != std::errc{} || read.ptr != end) return wrong;
  return at;
}

std::string Endpoint::text() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace kw::link
