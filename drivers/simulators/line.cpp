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

class TcpLine final : public Line {
 public:
  TcpLine(Descriptor listener, std::string scheme, std::string host, std::uint16_t port,
          std::string path)
      : listener_(std::move(listener)),
        scheme_(std::move(scheme)),
        host_(std::move(host)),
        port_(port),
        path_(std::move(path)) {}

  std::string address() const override {
    const bool v6 = host_.find(':') != std::string::npos;
    return scheme_ + "://" + (v6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_) + path_;
  }

  int descriptor() const override {
    if (out_) return -1;
    return client_ ? client_.get() : listener_.get();
  }

  Event take(Bytes& into) override {
    if (!client_) {
      client_ =
          Descriptor{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
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
    if (!in) {
      client_ = Descriptor{};
      sockaddr_storage at{};
      socklen_t size = sizeof at;
      auto* address = reinterpret_cast<sockaddr*>(&at);
      ::getsockname(listener_.get(), address, &size);
      listener_ = Descriptor{};
      listener_ = Descriptor{::socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
      const int yes = 1;
      ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
      out_ = true;
      if (::bind(listener_.get(), address, size) != 0) return port_error(errno, this->address());
      return {};
    }
    if (::listen(listener_.get(), 8) != 0) return port_error(errno, address());
    out_ = false;
    return {};
  }

 private:
  Descriptor listener_;
  Descriptor client_;
  std::string scheme_;
  std::string host_;
  std::uint16_t port_;
  std::string path_;
  bool out_ = false;
};

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
  PtyLine(Pty ends, std::filesystem::path link) : ends_(std::move(ends)), link_(std::move(link)) {}

  ~PtyLine() override {
    std::error_code ignored;
    std::filesystem::remove(link_, ignored);
  }

  std::string address() const override { return "serial:" + link_.string(); }
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
  std::filesystem::path link_;
};

Result<std::unique_ptr<Line>> open_pty(std::string_view port, std::filesystem::path link) {
  auto ends = make_pty(std::string{port}, link);
  if (!ends) return std::move(ends).error();
  return std::unique_ptr<Line>{std::make_unique<PtyLine>(std::move(*ends), std::move(link))};
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<std::unique_ptr<Line>> open_tcp(std::string_view port) {
  const std::string where{port};
  const auto scheme = port.substr(0, port.find("://"));
  auto rest = port.substr(scheme.size() + 3);
  const auto path = rest.substr(std::min(rest.find('/'), rest.size()));
  rest.remove_suffix(path.size());
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return Error{Errc::invalid, where + ": expected " + std::string{scheme} + "://HOST:PORT"};
  }
  std::string host{rest.substr(0, colon)};
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const std::string service{rest.substr(colon + 1)};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int bad = ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found); bad != 0) {
    return Error{Errc::invalid, where + ": " + ::gai_strerror(bad)};
  }
  const std::unique_ptr<addrinfo, FreeAddresses> list{found};
  Descriptor fd{::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return port_error(errno, where);
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  std::array<char, NI_MAXSERV> number{};
  if (::bind(fd.get(), list->ai_addr, list->ai_addrlen) != 0 || ::listen(fd.get(), 8) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0 ||
      ::getnameinfo(reinterpret_cast<sockaddr*>(&bound), size, nullptr, 0, number.data(),
                    number.size(), NI_NUMERICSERV) != 0) {
    return port_error(errno, where);
  }
  return std::unique_ptr<Line>{std::make_unique<TcpLine>(
      std::move(fd), std::string{scheme}, std::move(host),
      static_cast<std::uint16_t>(std::atoi(number.data())), std::string{path})};
}

}  // namespace

Result<std::unique_ptr<Line>> open_line(std::string_view port) {
  if (port.starts_with("tcp://") || port.starts_with("ipp://")) return open_tcp(port);
  if (port.starts_with("pty:/")) return open_pty(port, port.substr(4));
  return Error{Errc::invalid,
               std::string{port} + ": expected tcp://127.0.0.1:9100 or pty:/path/of/link"};
}

}  // namespace kw::devices
