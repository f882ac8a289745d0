#pragma once

#include <array>
#include <cstdint>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace kw::tests {

/// A loopback port that takes connections and says nothing.
class MutePort {
 public:
  using Tcp = boost::asio::ip::tcp;

  /// Below 0: it does not listen.
  explicit MutePort(int backlog = 16) : acceptor_(io_, Tcp::v4()) {
    acceptor_.bind({boost::asio::ip::address_v4::loopback(), 0});
    if (backlog >= 0) acceptor_.listen(backlog);
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  /// The next connection; for those that do say something.
  Tcp::socket accept() { return acceptor_.accept(); }

 protected:
  boost::asio::io_context io_{1};

 private:
  Tcp::acceptor acceptor_;
};

/// A loopback port that answers nothing at all, as behind a firewall that drops: its queue of
/// connections is full, so the system ignores whoever knocks.
class SilentPort : public MutePort {
 public:
  SilentPort()
      : MutePort(0),
        waiting_{Tcp::socket{io_}, Tcp::socket{io_}, Tcp::socket{io_}, Tcp::socket{io_}} {
    const Tcp::endpoint here{boost::asio::ip::address_v4::loopback(), port()};
    // Begun, never looked at again.
    for (auto& socket : waiting_) {
      socket.async_connect(here, [](const boost::system::error_code&) {});
    }
  }

 private:
  std::array<Tcp::socket, 4> waiting_;
};

/// A loopback port on which nothing listened a moment ago.
inline std::uint16_t closed_port() {
  const MutePort bound{-1};
  return bound.port();
}

}  // namespace kw::tests
