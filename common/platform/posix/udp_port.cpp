#include "common/platform/udp_port.hpp"

#include <cerrno>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "common/platform/posix/descriptor.hpp"
#include "common/platform/resolve.hpp"

namespace kw::platform {
namespace {

class UdpPort final : public DescriptorPort {
 public:
  UdpPort(Descriptor fd, std::string name, const Clock& clock)
      : DescriptorPort(std::move(fd), name, clock), name_(std::move(name)) {}

  /// Unlike on a stream, nothing is a datagram too, and not the end.
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    for (;;) {
      auto ready = wait_readable(deadline);
      if (!ready) return std::move(ready).error();
      const auto got = ::recv(fd(), into.data(), into.size(), 0);
      if (got > 0) return static_cast<std::size_t>(got);
      if (got == 0 && now() >= deadline) {
        return Error{Errc::timeout, name_ + ": nothing within the deadline"};
      }
      if (got == 0 || errno == EAGAIN || errno == EINTR) continue;
      if (errno == ECONNREFUSED) return Error{Errc::disconnected, name_ + ": nobody listens"};
      return Error{Errc::disconnected, port_error(errno, name_).text()};
    }
  }

  void discard() override {
    std::uint8_t scrap = 0;
    // Bounded, as on a stream. What was said of an earlier datagram's end is thrown away too.
    for (int i = 0; i < 256; ++i) {
      if (::recv(fd(), &scrap, 1, 0) < 0 && (errno == EAGAIN || errno == EBADF)) return;
    }
  }

 private:
  std::ptrdiff_t put(std::span<const std::uint8_t> bytes) override {
    auto sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    // This tells of the datagram before, and by that is forgotten.
    if (sent < 0 && errno == ECONNREFUSED) {
      sent = ::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    return sent;
  }

  std::string name_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_udp(const std::string& host, std::uint16_t number,
                                       const Clock& clock, MonoTime deadline) {
  const bool v6 = host.find(':') != std::string::npos;
  const std::string where =
      "udp://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(number);
  auto addresses = resolve(host, number, clock, deadline);
  if (!addresses) return std::move(addresses).error().within(where);
  // The first that the system has a way to: nobody answers yet who could tell which is right.
  Error last{Errc::missing, where + ": the name has no address"};
  for (const auto& to : *addresses) {
    Descriptor fd{
        ::socket(to.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const auto* address = reinterpret_cast<const sockaddr*>(to.bytes.data());
    if (fd && ::connect(fd.get(), address, to.size) == 0) {
      return std::unique_ptr<Port>{std::make_unique<UdpPort>(std::move(fd), where, clock)};
    }
    last = port_error(errno, where);
  }
  return last;
}

}  // namespace kw::platform
