#pragma once

#include <array>
#include <cstdint>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace kw::tests {

/// A loopback port that takes connections and says nothing.
class MutePort {
 public:
  explicit MutePort(int backlog = 16) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    if (backlog >= 0) REQUIRE(listen(fd_, backlog) == 0);
    socklen_t size = sizeof at;
    REQUIRE(getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port_ = ntohs(at.sin_port);
  }
  MutePort(const MutePort&) = delete;
  MutePort& operator=(const MutePort&) = delete;
  ~MutePort() { close(fd_); }
  std::uint16_t port() const { return port_; }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

/// A loopback port that answers nothing at all, as behind a firewall that drops: its queue of
/// connections is full, so the system ignores whoever knocks.
class SilentPort {
 public:
  SilentPort() : mute_(0) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(mute_.port());
    for (auto& fd : waiting_) {
      fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      [[maybe_unused]] const int pending = connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at);
    }
  }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;
  ~SilentPort() {
    for (const int fd : waiting_) close(fd);
  }
  std::uint16_t port() const { return mute_.port(); }

 private:
  MutePort mute_;
  std::array<int, 4> waiting_{};
};

/// A loopback port on which nothing listened a moment ago.
inline std::uint16_t closed_port() {
  const MutePort bound{-1};
  return bound.port();
}

}  // namespace kw::tests
