#include "drivers/network/probe/methods.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <random>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "common/filled.hpp"
#include "common/platform/echo.hpp"
#include "common/platform/port.hpp"
#include "common/platform/udp_port.hpp"
#include "drivers/network/probe/dns.hpp"
#include "drivers/ports/http.hpp"
#include "drivers/ports/tls.hpp"

namespace kw::drivers::network {
namespace {

using Method = Target::Method;

struct Named {
  std::string_view name;
  Method method;
  std::uint16_t port;
  Text form;  ///< of the target, for a mistake's text
};

constexpr std::array methods{
    Named{"icmp", Method::icmp, 0, {"主机：192.0.2.1", "a host: 192.0.2.1"}},
    Named{"tcp", Method::tcp, 0, {"主机:端口：192.0.2.1:5432", "host:port: 192.0.2.1:5432"}},
    Named{"dns",
          Method::dns,
          53,
          {"名称，不用本机的域名服务器时加 @服务器：example.com@192.0.2.53",
           "a name, and @server if not the machine's: example.com@192.0.2.53"}},
    Named{"http",
          Method::http,
          80,
          {"网址：http://192.0.2.1/health 或 https://…",
           "an address: http://192.0.2.1/health or https://…"}},
    Named{"tls", Method::tls, 443, {"主机:端口：example.com:443", "host:port: example.com:443"}},
};

constexpr Text wrong_target{"target = \"{}\"：method {} 需要{}",
                            "target = \"{}\": method {} wants {}"};
constexpr Text wrong_method{"method = \"{}\"：应为 icmp、tcp、dns、http 或 tls",
                            "method = \"{}\": expected icmp, tcp, dns, http or tls"};

Bilingual wrong(const Named& as, std::string_view target) {
  return filled(wrong_target, target, as.name, as.form);
}

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};

/// "host", "host:port", "[v6]:port", a bare v6 address.
std::optional<HostPort> host_port(std::string_view text, std::uint16_t fallback) {
  std::string_view host = text;
  std::string_view number;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = text.substr(1, end - 1);
    number = text.substr(end + 1);
    if (!number.empty() && !number.starts_with(':')) return std::nullopt;
    if (!number.empty()) number.remove_prefix(1);
  } else if (std::ranges::count(text, ':') == 1) {
    const auto colon = text.find(':');
    host = text.substr(0, colon);
    number = text.substr(colon + 1);
    if (number.empty()) return std::nullopt;
  }
  if (host.empty() || host.find_first_of(" /@") != std::string_view::npos) return std::nullopt;
  auto port = fallback;
  if (!number.empty()) {
    const auto [end, bad] = std::from_chars(number.data(), number.data() + number.size(), port);
    if (bad != std::errc{} || end != number.data() + number.size() || port == 0)
      return std::nullopt;
  }
  return HostPort{std::string{host}, port};
}

Checked<Target> read_http(const Named& as, std::string_view text) {
  Target out{.method = Method::http};
  std::uint16_t port = as.port;
  auto rest = text;
  if (rest.starts_with("https://")) {
    out.method = Method::https;
    port = 443;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong(as, text);
  }
  const auto slash = rest.find('/');
  const auto where = host_port(rest.substr(0, slash), port);
  if (!where) return wrong(as, text);
  out.host = where->host;
  out.port = where->port;
  out.path = slash == std::string_view::npos ? "/" : std::string{rest.substr(slash)};
  // It goes into the request as it is.
  const bool plain = std::ranges::all_of(out.path, [](char c) { return c > ' ' && c < 0x7f; });
  if (!plain) return wrong(as, text);
  return out;
}

Checked<Target> read_dns(const Named& as, std::string_view text) {
  Target out{.method = Method::dns, .port = as.port};
  const auto at = text.find('@');
  out.name = std::string{text.substr(0, at)};
  const auto query = dns_query(0, out.name, RecordType::a);
  if (!query) return wrong(as, text);
  if (at == std::string_view::npos) return out;
  const auto where = host_port(text.substr(at + 1), as.port);
  if (!where) return wrong(as, text);
  out.host = where->host;
  out.port = where->port;
  return out;
}

Duration since(MonoTime began, const Clock& clock) { return clock.mono() - began; }

std::uint16_t random_id() {
  thread_local std::random_device source;
  return static_cast<std::uint16_t>(source());
}

Result<Probe> by_icmp(const Target& target, std::uint16_t sequence, const Clock& clock,
                      MonoTime deadline) {
  const auto rtt = platform::echo(target.host, sequence, clock, deadline);
  if (rtt) return Probe{.rtt = *rtt};
  if (rtt.error().code() != Errc::unsupported) return rtt.error();
  // No right to send an echo request. A host that refuses a connection is there as well.
  const auto began = clock.mono();
  const auto port = platform::open_tcp(target.host, target.port, clock, deadline);
  if (!port && port.error().code() != Errc::refused) return port.error();
  return Probe{.rtt = since(began, clock)};
}

Result<Probe> by_tcp(const Target& target, const Clock& clock, MonoTime deadline) {
  const auto began = clock.mono();
  const auto port = platform::open_tcp(target.host, target.port, clock, deadline);
  if (!port) return port.error();
  return Probe{.rtt = since(began, clock)};
}

/// Asks one name server for one record type.
Result<DnsAnswer> look_up(const Target& target, const std::string& server, RecordType type,
                          const Clock& clock, MonoTime deadline) {
  auto port = platform::open_udp(server, target.port, clock, deadline);
  if (!port) return std::move(port).error();
  const auto id = random_id();
  const auto query = dns_query(id, target.name, type);
  if (!query) return query.error();
  auto sent = (*port)->write(*query, deadline);
  if (!sent) return std::move(sent).error();
  std::array<std::uint8_t, 4'096> in{};
  for (;;) {
    auto got = (*port)->read(in, deadline);
    if (!got) return std::move(got).error();
    auto answer = dns_answer(std::span{in}.first(*got), id, target.name, type);
    // What answers another query is not ours; go on until the deadline.
    if (answer || answer.error().code() != Errc::refused) return answer;
    if (clock.mono() >= deadline) return Error{Errc::timeout, "only answers to other queries"};
  }
}

Result<Probe> by_dns(const Target& target, const Clock& clock, MonoTime deadline) {
  auto server = target.host;
  if (server.empty()) {
    const auto own = platform::name_servers();
    if (own.empty()) return Error{Errc::missing, "this machine has no name server"};
    server = own.front();
  }
  // Addresses that are expected say which type is meant.
  const bool v6 = !target.expect.empty() && target.expect.front().find(':') != std::string::npos;
  const auto began = clock.mono();
  auto answer = look_up(target, server, v6 ? RecordType::aaaa : RecordType::a, clock, deadline);
  if (!answer) return std::move(answer).error();
  Probe out{.rtt = since(began, clock)};
  if (answer->code != 0) {
    out.right = false;
    out.answer = dns_code_name(answer->code);
  } else if (answer->addresses.empty() ||
             (!target.expect.empty() && answer->addresses != target.expect)) {
    out.right = false;
    // Which one is not said: some servers answer with others each time.
    out.answer = answer->addresses.empty() ? "no address" : "other address";
  }
  return out;
}

/// A connection with TLS, and the end of the server's certificate.
Result<std::unique_ptr<TlsPort>> secured(const Target& target, const Clock& clock,
                                         MonoTime deadline) {
  auto wire = platform::open_tcp(target.host, target.port, clock, deadline);
  if (!wire) return std::move(wire).error();
  return TlsPort::connect(std::move(*wire), target.host, deadline);
}

Result<Probe> by_tls(const Target& target, const Clock& clock, MonoTime deadline) {
  const auto began = clock.mono();
  const auto port = secured(target, clock, deadline);
  if (!port) return port.error();
  return Probe{.rtt = since(began, clock), .valid_until = (*port)->valid_until()};
}

Result<Probe> by_http(const Target& target, const Clock& clock, MonoTime deadline) {
  Probe out;
  const HttpPort::Connect connect = [&](MonoTime until) -> Result<std::unique_ptr<Port>> {
    if (target.method == Method::http) {
      return platform::open_tcp(target.host, target.port, clock, until);
    }
    auto port = secured(target, clock, until);
    if (!port) return std::move(port).error();
    out.valid_until = (*port)->valid_until();
    return std::unique_ptr<Port>{std::move(*port)};
  };
  const bool v6 = target.host.find(':') != std::string::npos;
  const bool usual = target.port == (target.method == Method::https ? 443 : 80);
  const auto host = fmt::format("{}{}{}{}", v6 ? "[" : "", target.host, v6 ? "]" : "",
                                usual ? "" : fmt::format(":{}", target.port));
  const auto began = clock.mono();
  auto wire = connect(deadline);
  if (!wire) return std::move(wire).error();
  HttpPort port{std::move(*wire), connect, {host + target.path, host, target.path}};
  auto answer = port.get(deadline);
  if (!answer) return std::move(answer).error();
  out.rtt = since(began, clock);
  const std::string_view body{reinterpret_cast<const char*>(answer->body.data()),
                              answer->body.size()};
  if (answer->status != target.status) {
    out.right = false;
    out.answer = fmt::format("HTTP {}", answer->status);
  } else if (body.find(target.content) == std::string_view::npos) {
    out.right = false;
    out.answer = "other content";
  }
  return out;
}

}  // namespace

Checked<Target> read_target(const std::string& method, const std::string& target) {
  const auto as = std::ranges::find(methods, method, &Named::name);
  if (as == methods.end()) {
    return filled(wrong_method, method);
  }
  if (as->method == Method::http) return read_http(*as, target);
  if (as->method == Method::dns) return read_dns(*as, target);
  const auto where = host_port(target, as->port);
  const bool wants_port = as->method == Method::tcp;
  if (!where || (wants_port && where->port == 0) ||
      (as->method == Method::icmp && where->port != 0)) {
    return wrong(*as, target);
  }
  return Target{.method = as->method, .host = where->host, .port = where->port};
}

Result<Probe> probe(const Target& target, std::uint16_t sequence, const Clock& clock,
                    MonoTime deadline) {
  switch (target.method) {
    case Method::icmp:
      return by_icmp(target, sequence, clock, deadline);
    case Method::tcp:
      return by_tcp(target, clock, deadline);
    case Method::dns:
      return by_dns(target, clock, deadline);
    case Method::http:
    case Method::https:
      return by_http(target, clock, deadline);
    case Method::tls:
      break;
  }
  return by_tls(target, clock, deadline);
}

}  // namespace kw::drivers::network
