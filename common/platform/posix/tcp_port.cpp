#include <cerrno>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/platform/port.hpp"
#include "common/platform/posix/descriptor.hpp"
#include "common/platform/resolve.hpp"

namespace kw::platform {
namespace {

class TcpPort final : public DescriptorPort {
 public:
  TcpPort(Descriptor fd, std::string name, const Clock& clock)
      : DescriptorPort(std::move(fd), std::move(name), clock) {}

 private:
  std::ptrdiff_t put(std::span<const std::uint8_t> bytes) override {
    return ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
};

/// A dead printer must be noticed although nothing is sent between polls.
void keep_alive(int fd) {
  const auto set = [fd](int level, int option, int value) {
    ::setsockopt(fd, level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

Result<Descriptor> connect_to(const SocketAddress& to, const std::string& where, const Clock& clock,
                              MonoTime deadline) {
  Descriptor fd{
      ::socket(to.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return port_error(errno, where);
  keep_alive(fd.get());
  const auto* address = reinterpret_cast<const sockaddr*>(to.bytes.data());
  if (::connect(fd.get(), address, to.size) == 0) return fd;
  if (errno != EINPROGRESS) return port_error(errno, where);
  for (;;) {
    pollfd ready{fd.get(), POLLOUT, 0};
    const int n = ::poll(&ready, 1, poll_wait(clock.mono(), deadline));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return port_error(errno, where);
    if (n == 0) return Error{Errc::timeout, where + ": no connection within the deadline"};
    break;
  }
  int bad = 0;
  socklen_t size = sizeof bad;
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &bad, &size);
  if (bad != 0) return port_error(bad, where);
  return fd;
}

}  // namespace

Result<std::unique_ptr<Port>> open_tcp(const std::string& host, std::uint16_t number,
                                       const Clock& clock, MonoTime deadline) {
  const bool v6 = host.find(':') != std::string::npos;
  const std::string where =
      "tcp://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(number);
  auto addresses = resolve(host, number, clock, deadline);
  if (!addresses) return std::move(addresses).error().within(where);
  Error last{Errc::missing, where + ": the name has no address"};
  for (const auto& to : *addresses) {
    auto fd = connect_to(to, where, clock, deadline);
    if (fd) {
      return std::unique_ptr<Port>{std::make_unique<TcpPort>(std::move(*fd), where, clock)};
    }
    last = std::move(fd).error();
    if (last.code() == Errc::timeout) break;
  }
  return last;
}

}  // namespace kw::platform
