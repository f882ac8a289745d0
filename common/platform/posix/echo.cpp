#include "common/platform/echo.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <random>
#include <span>
#include <utility>

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/platform/posix/descriptor.hpp"
#include "common/platform/resolve.hpp"

namespace kw::platform {
namespace {

constexpr std::size_t header_size = 8;  // RFC 792: type, code, checksum, identifier, sequence
constexpr std::size_t secret_size = 16;
using Secret = std::array<std::uint8_t, secret_size>;

/// What an answer must bring back: the kernel rewrites the identifier on datagram sockets, so the
/// payload tells whose answer it is.
Secret make_secret() {
  std::random_device source;
  Secret out{};
  for (auto& byte : out) byte = static_cast<std::uint8_t>(source());
  return out;
}

/// RFC 1071.
std::uint16_t checksum(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) {
    sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  }
  if (bytes.size() % 2 != 0) sum += static_cast<std::uint32_t>(bytes.back() << 8);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

using Request = std::array<std::uint8_t, header_size + secret_size>;

Request request_of(bool v6, std::uint16_t sequence, const Secret& secret) {
  Request out{};
  out[0] = v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
  out[4] = secret[0];  // the identifier, where the kernel keeps it
  out[5] = secret[1];
  out[6] = static_cast<std::uint8_t>(sequence >> 8);
  out[7] = static_cast<std::uint8_t>(sequence);
  std::ranges::copy(secret, out.begin() + header_size);
  if (!v6) {  // ICMPv6's is the kernel's business (RFC 3542, section 3.1)
    const auto sum = checksum(out);
    out[2] = static_cast<std::uint8_t>(sum >> 8);
    out[3] = static_cast<std::uint8_t>(sum);
  }
  return out;
}

struct Socket {
  Descriptor fd;
  bool raw = false;
};

/// Datagram sockets need no right but the system's leave; raw ones need CAP_NET_RAW.
Result<Socket> open_socket(bool v6) {
  const int family = v6 ? AF_INET6 : AF_INET;
  const int protocol = v6 ? static_cast<int>(IPPROTO_ICMPV6) : static_cast<int>(IPPROTO_ICMP);
  constexpr int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  Descriptor datagram{::socket(family, SOCK_DGRAM | flags, protocol)};
  if (datagram) return Socket{std::move(datagram), false};
  Descriptor raw{::socket(family, SOCK_RAW | flags, protocol)};
  if (raw) return Socket{std::move(raw), true};
  return Error{Errc::unsupported, std::string{"icmp: not allowed: "} + std::strerror(errno)};
}

/// Whether `packet` answers our request; an error message of a router is none, its sender is not
/// proven.
bool answers(std::span<const std::uint8_t> packet, const Socket& socket, bool v6,
             std::uint16_t sequence, const Secret& secret) {
  if (socket.raw && !v6) {  // the IPv4 header comes with it
    if (packet.empty()) return false;
    const std::size_t header = (packet[0] & 0x0fU) * std::size_t{4};
    if (packet.size() < header) return false;
    packet = packet.subspan(header);
  }
  if (packet.size() != header_size + secret_size) return false;
  const std::uint8_t reply = v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY;
  if (packet[0] != reply || packet[1] != 0) return false;
  if ((packet[6] << 8 | packet[7]) != sequence) return false;
  return std::ranges::equal(packet.subspan(header_size), secret);
}

Error failed(int number, const std::string& host) {
  const bool unreachable =
      number == ENETUNREACH || number == EHOSTUNREACH || number == ECONNREFUSED;
  return Error{unreachable ? Errc::refused : Errc::disconnected,
               host + ": " + std::strerror(number)};
}

}  // namespace

Result<Duration> echo(const std::string& host, std::uint16_t sequence, const Clock& clock,
                      MonoTime deadline) {
  auto addresses = resolve(host, 0, clock, deadline);
  if (!addresses) return std::move(addresses).error().within(host);
  const auto& to = addresses->front();
  const bool v6 = to.v6;
  auto socket = open_socket(v6);
  if (!socket) return std::move(socket).error();
  const int fd = socket->fd.get();
  // Connected: the kernel then reports "unreachable", and other hosts' packets stay away.
  const auto* address = reinterpret_cast<const sockaddr*>(to.bytes.data());
  if (::connect(fd, address, to.size) != 0) return failed(errno, host);

  const auto secret = make_secret();
  const auto request = request_of(v6, sequence, secret);
  const auto began = clock.mono();
  if (::send(fd, request.data(), request.size(), 0) < 0) return failed(errno, host);
  std::array<std::uint8_t, 512> packet{};
  for (;;) {
    pollfd ready{fd, POLLIN, 0};
    const int n = ::poll(&ready, 1, poll_wait(clock.mono(), deadline));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{Errc::timeout, host + ": no echo within the deadline"};
    const auto got = ::recv(fd, packet.data(), packet.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return failed(errno, host);
    const auto took = clock.mono() - began;
    const auto seen = std::span{packet}.first(static_cast<std::size_t>(got));
    if (answers(seen, *socket, v6, sequence, secret)) return took;
  }
}

std::vector<std::string> name_servers() {
  std::vector<std::string> out;
  std::ifstream file{"/etc/resolv.conf"};
  constexpr std::string_view keyword = "nameserver";
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(keyword)) continue;
    const auto from = line.find_first_not_of(" \t", keyword.size());
    if (from == std::string::npos || from == keyword.size()) continue;
    out.push_back(line.substr(from, line.find_first_of(" \t\r#;", from) - from));
  }
  return out;
}

}  // namespace kw::platform
