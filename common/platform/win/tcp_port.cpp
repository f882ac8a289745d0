#include <array>
#include <memory>
#include <string>
#include <utility>

#include <winsock2.h>
#include <ws2tcpip.h>

// Wants the two above first.
#include <mstcpip.h>

#include "common/platform/port.hpp"
#include "common/platform/resolve.hpp"
#include "common/platform/win/handle.hpp"
#include "common/platform/win/socket.hpp"

namespace kw::platform {
namespace {

class TcpPort final : public Port {
 public:
  TcpPort(Socket socket, Handle ready, std::string name, const Clock& clock)
      : ready_(std::move(ready)),
        cancelled_(make_event()),
        socket_(std::move(socket)),
        name_(std::move(name)),
        clock_(clock) {}

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    while (!bytes.empty()) {
      // One piece is all or nothing for the system: a large one would not see the deadline.
      const auto piece = bytes.first(std::min<std::size_t>(bytes.size(), 16 * 1024));
      const auto sent = attempt(
          [&] {
            return send(socket_.get(), reinterpret_cast<const char*>(piece.data()),
                        static_cast<int>(piece.size()), 0);
          },
          deadline);
      if (!sent) return sent.error();
      bytes = bytes.subspan(*sent);
    }
    return {};
  }

  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    auto got = attempt(
        [&] {
          return recv(socket_.get(), reinterpret_cast<char*>(into.data()),
                      static_cast<int>(into.size()), 0);
        },
        deadline);
    if (got && *got == 0) return Error{Errc::disconnected, name_ + ": the other end closed"};
    return got;
  }

  void discard() override {
    std::array<char, 256> scrap{};
    // Bounded: a device that talks without end must not hold us here.
    for (int i = 0; i < 64; ++i) {
      if (recv(socket_.get(), scrap.data(), static_cast<int>(scrap.size()), 0) <= 0) return;
    }
  }

  void cancel() noexcept override { SetEvent(cancelled_.get()); }
  MonoTime now() const override { return clock_.mono(); }

 private:
  /// Tries, waits for the socket to say that it is worth trying, tries again.
  template <class Call>
  Result<std::size_t> attempt(Call call, MonoTime deadline) {
    for (;;) {
      if (WaitForSingleObject(cancelled_.get(), 0) == WAIT_OBJECT_0) {
        return Error{Errc::disconnected, name_ + ": cancelled"};
      }
      // Before the call: what comes after it sets the event again.
      ResetEvent(ready_.get());
      const int done = call();
      if (done >= 0) return static_cast<std::size_t>(done);
      const int why = WSAGetLastError();
      if (why != WSAEWOULDBLOCK) {
        return Error{Errc::disconnected, socket_error(why, name_).text()};
      }
      auto ended = wait_for(ready_.get(), cancelled_.get(), wait_ms(now(), deadline), name_);
      if (ended) return std::move(*ended);
    }
  }

  Handle ready_;      ///< an event that the socket sets
  Handle cancelled_;  ///< an event, set for ever once `cancel` was called
  Socket socket_;     // goes before its event
  std::string name_;
  const Clock& clock_;
};

/// A dead printer must be noticed although nothing is sent between polls.
void keep_alive(SOCKET socket) {
  const DWORD on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<const char*>(&on), sizeof on);
  tcp_keepalive wanted{};
  wanted.onoff = 1;
  wanted.keepalivetime = 10'000;
  wanted.keepaliveinterval = 5'000;
  DWORD nothing = 0;
  WSAIoctl(socket, SIO_KEEPALIVE_VALS, &wanted, sizeof wanted, nullptr, 0, &nothing, nullptr,
           nullptr);
}

Result<std::unique_ptr<Port>> connect_to(const SocketAddress& to, const std::string& where,
                                         const Clock& clock, MonoTime deadline) {
  Socket socket{WSASocketW(to.v6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP, nullptr, 0,
                           WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)};
  if (!socket) return socket_error(WSAGetLastError(), where);
  keep_alive(socket.get());
  auto ready = make_event();
  // This also makes the socket non-blocking.
  if (WSAEventSelect(socket.get(), ready.get(), FD_CONNECT | FD_READ | FD_WRITE | FD_CLOSE) != 0) {
    return socket_error(WSAGetLastError(), where);
  }
  const auto* address = reinterpret_cast<const sockaddr*>(to.bytes.data());
  if (connect(socket.get(), address, static_cast<int>(to.size)) != 0) {
    const int why = WSAGetLastError();
    if (why != WSAEWOULDBLOCK) return socket_error(why, where);
    if (WaitForSingleObject(ready.get(), wait_ms(clock.mono(), deadline)) != WAIT_OBJECT_0) {
      return Error{Errc::timeout, where + ": no connection within the deadline"};
    }
    WSANETWORKEVENTS happened{};
    if (WSAEnumNetworkEvents(socket.get(), ready.get(), &happened) != 0) {
      return socket_error(WSAGetLastError(), where);
    }
    const int bad = happened.iErrorCode[FD_CONNECT_BIT];
    if (bad != 0) return socket_error(bad, where);
  }
  return std::unique_ptr<Port>{
      std::make_unique<TcpPort>(std::move(socket), std::move(ready), where, clock)};
}

}  // namespace

Result<std::unique_ptr<Port>> open_tcp(const std::string& host, std::uint16_t number,
                                       const Clock& clock, MonoTime deadline) {
  start_winsock();
  const bool v6 = host.find(':') != std::string::npos;
  const std::string where =
      "tcp://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(number);
  auto addresses = resolve(host, number, clock, deadline);
  if (!addresses) return std::move(addresses).error().within(where);
  Error last{Errc::missing, where + ": the name has no address"};
  for (const auto& to : *addresses) {
    auto port = connect_to(to, where, clock, deadline);
    if (port) return port;
    last = std::move(port).error();
    if (last.code() == Errc::timeout) break;
  }
  return last;
}

}  // namespace kw::platform
