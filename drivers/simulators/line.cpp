#include "drivers/simulators/line.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "common/platform/posix/descriptor.hpp"

namespace kw::devices {
namespace {

using platform::Descriptor;
using platform::port_error;

/// Reads what is there; nothing when the other end has gone.
Line::Event read_some(int fd, Bytes& into) {
  std::array<std::uint8_t, 4096> chunk{};
  const auto got = ::read(fd, chunk.data(), chunk.size());
  if (got > 0) {
    into.assign(chunk.begin(), chunk.begin() + got);
    return Line::Event::bytes;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Line::Event::nothing;
  return Line::Event::left;
}

/// A pseudo-terminal's two ends.
struct Pty {
  Descriptor master;
  Descriptor held;  ///< our own open of the other side: else every close there reads as a hang-up
};

/// A raw one, with `link` leading to it.
Result<Pty> make_pty(const std::string& where, const std::filesystem::path& link) {
  Pty out;
  out.master = Descriptor{::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)};
  std::array<char, 128> name{};
  if (!out.master || ::grantpt(out.master.get()) != 0 || ::unlockpt(out.master.get()) != 0 ||
      ::ptsname_r(out.master.get(), name.data(), name.size()) != 0) {
    return port_error(errno, where);
  }
  out.held = Descriptor{::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC)};
  termios raw{};
  if (!out.held || ::tcgetattr(out.held.get(), &raw) != 0) return port_error(errno, where);
  ::cfmakeraw(&raw);  // no echo: the device must not hear itself
  ::tcsetattr(out.held.get(), TCSANOW, &raw);
  std::error_code bad;
  std::filesystem::create_directories(link.parent_path(), bad);
  if (std::filesystem::is_symlink(link)) std::filesystem::remove(link, bad);
  std::filesystem::create_symlink(name.data(), link, bad);
  if (bad) return Error{Errc::refused, where + ": cannot link: " + bad.message()};
  return out;
}

class PtyLine final : public Line {
 public:
  PtyLine(Pty ends, std::string scheme, std::filesystem::path link)
      : ends_(std::move(ends)), scheme_(std::move(scheme)), link_(std::move(link)) {}

  ~PtyLine() override {
    std::error_code ignored;
    std::filesystem::remove(link_, ignored);
  }

  std::string address() const override { return scheme_ + ":" + link_.string(); }
  int descriptor() const override { return ends_.master.get(); }
  Event take(Bytes& into) override { return read_some(ends_.master.get(), into); }

  void send(const Bytes& bytes) override {
    [[maybe_unused]] const auto sent = ::write(ends_.master.get(), bytes.data(), bytes.size());
  }

  /// Out, the device file is gone and whoever has it open reads a hang-up; in, it is another one.
  Result<void> plug(bool in) override {
    if (in == bool(ends_.master)) return {};
    if (!in) {
      std::error_code ignored;
      std::filesystem::remove(link_, ignored);
      ends_ = Pty{};
      return {};
    }
    auto made = make_pty(address(), link_);
    if (!made) return std::move(made).error();
    ends_ = std::move(*made);
    return {};
  }

 private:
  Pty ends_;
  std::string scheme_;
  std::filesystem::path link_;
};

Result<std::unique_ptr<Line>> open_pty(std::string_view port, std::string scheme,
                                       std::filesystem::path link) {
  auto ends = make_pty(std::string{port}, link);
  if (!ends) return std::move(ends).error();
  return std::unique_ptr<Line>{
      std::make_unique<PtyLine>(std::move(*ends), std::move(scheme), std::move(link))};
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

/// A socket on the address of a port text, and that text's parts.
struct Bound {
  Descriptor fd;
  std::string scheme;
  std::string host;
  std::uint16_t port = 0;
  std::string rest;  ///< path and query
};

/// `type`: SOCK_STREAM or SOCK_DGRAM.
Result<Bound> bind_to(std::string_view port, int type) {
  const std::string where{port};
  Bound out;
  out.scheme = port.substr(0, port.find("://"));
  auto authority = port.substr(out.scheme.size() + 3);
  out.rest = authority.substr(std::min(authority.find_first_of("/?"), authority.size()));
  authority.remove_suffix(out.rest.size());
  const auto colon = authority.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return Error{Errc::invalid, where + ": expected " + out.scheme + "://HOST:PORT"};
  }
  out.host = authority.substr(0, colon);
  if (out.host.front() == '[' && out.host.back() == ']') {
    out.host = out.host.substr(1, out.host.size() - 2);
  }
  const std::string service{authority.substr(colon + 1)};
  addrinfo hints{};
  hints.ai_socktype = type;
  hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int bad = ::getaddrinfo(out.host.c_str(), service.c_str(), &hints, &found); bad != 0) {
    return Error{Errc::invalid, where + ": " + ::gai_strerror(bad)};
  }
  const std::unique_ptr<addrinfo, FreeAddresses> list{found};
  out.fd = Descriptor{::socket(list->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!out.fd) return port_error(errno, where);
  const int yes = 1;
  // A second program on the same UDP port would take its datagrams away.
  if (type == SOCK_STREAM) {
    ::setsockopt(out.fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  std::array<char, NI_MAXSERV> number{};
  if (::bind(out.fd.get(), list->ai_addr, list->ai_addrlen) != 0 ||
      ::getsockname(out.fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<sockaddr*>(&bound), size, nullptr, 0, number.data(),
                    number.size(), NI_NUMERICSERV) != 0) {
    return port_error(errno, where);
  }
  out.port = static_cast<std::uint16_t>(std::atoi(number.data()));
  return out;
}

std::string address_of(const Bound& bound) {
  const bool v6 = bound.host.find(':') != std::string::npos;
  return bound.scheme + "://" + (v6 ? "[" + bound.host + "]" : bound.host) + ":" +
         std::to_string(bound.port) + bound.rest;
}

class TcpLine final : public Line {
 public:
  explicit TcpLine(Bound listener) : listener_(std::move(listener)) {}

  std::string address() const override { return address_of(listener_); }
  int descriptor() const override {
    if (out_) return -1;
    return client_ ? client_.get() : listener_.fd.get();
  }

  Event take(Bytes& into) override {
    if (!client_) {
      client_ =
          Descriptor{::accept4(listener_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
      return client_ ? Event::met : Event::nothing;
    }
    const auto event = read_some(client_.get(), into);
    if (event == Event::left) client_ = Descriptor{};
    return event;
  }

  void send(const Bytes& bytes) override {
    if (client_) ::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  /// Out, the port stays ours, and refuses: a bound socket that does not listen.
  Result<void> plug(bool in) override {
    if (in == !out_) return {};
    if (in) {
      if (::listen(listener_.fd.get(), 8) != 0) return port_error(errno, address());
      out_ = false;
      return {};
    }
    out_ = true;
    client_ = Descriptor{};
    sockaddr_storage at{};
    socklen_t size = sizeof at;
    auto* bound = reinterpret_cast<sockaddr*>(&at);
    ::getsockname(listener_.fd.get(), bound, &size);
    listener_.fd = Descriptor{};
    listener_.fd =
        Descriptor{::socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const int yes = 1;
    ::setsockopt(listener_.fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(listener_.fd.get(), bound, size) != 0) return port_error(errno, address());
    return {};
  }

 private:
  Bound listener_;
  Descriptor client_;
  bool out_ = false;
};

/// Has no connection, so nobody is met and nobody leaves.
class UdpLine final : public Line {
 public:
  explicit UdpLine(Bound socket) : socket_(std::move(socket)) {}

  std::string address() const override { return address_of(socket_); }
  int descriptor() const override { return socket_.fd.get(); }

  Event take(Bytes& into) override {
    std::array<std::uint8_t, 4096> datagram{};
    peer_size_ = sizeof peer_;
    const auto got = ::recvfrom(socket_.fd.get(), datagram.data(), datagram.size(), 0,
                                reinterpret_cast<sockaddr*>(&peer_), &peer_size_);
    if (got <= 0) return Event::nothing;
    into.assign(datagram.begin(), datagram.begin() + got);
    return Event::bytes;
  }

  void send(const Bytes& bytes) override {
    ::sendto(socket_.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&peer_), peer_size_);
  }

 private:
  Bound socket_;
  sockaddr_storage peer_{};  ///< who sent the last datagram
  socklen_t peer_size_ = 0;
};

}  // namespace

Result<std::unique_ptr<Line>> open_line(std::string_view port) {
  constexpr auto streams = std::to_array<std::string_view>(
      {"tcp://", "ipp://", "modbus+tcp://", "modbus+rtu://", "nut://"});
  const auto scheme = [port](std::string_view one) { return port.starts_with(one); };
  if (std::ranges::any_of(streams, scheme)) {
    auto listener = bind_to(port, SOCK_STREAM);
    if (!listener) return std::move(listener).error();
    if (::listen(listener->fd.get(), 8) != 0) return port_error(errno, std::string{port});
    return std::unique_ptr<Line>{std::make_unique<TcpLine>(std::move(*listener))};
  }
  if (port.starts_with("snmp://")) {
    auto socket = bind_to(port, SOCK_DGRAM);
    if (!socket) return std::move(socket).error();
    return std::unique_ptr<Line>{std::make_unique<UdpLine>(std::move(*socket))};
  }
  if (port.starts_with("pty:/")) return open_pty(port, "serial", port.substr(4));
  constexpr std::string_view rtu = "modbus+rtu";
  if (port.starts_with("modbus+rtu:/")) {
    return open_pty(port, std::string{rtu}, port.substr(rtu.size() + 1));
  }
  return Error{Errc::invalid,
               std::string{port} + ": expected tcp://127.0.0.1:9100 or pty:/path/of/link"};
}

}  // namespace kw::devices
