#include "common/platform/udp_port.hpp"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include <winsock2.h>
#include <ws2tcpip.h>

#include "common/platform/resolve.hpp"
#include "common/platform/win/handle.hpp"
#include "common/platform/win/socket.hpp"

namespace kw::platform {
namespace {

/// How Winsock tells that the peer's machine said "port unreachable" of an earlier datagram. Not
/// every one does (Wine mostly does not): then it is as if nobody had answered.
bool unreachable(int why) { return why == WSAECONNRESET || why == WSAECONNREFUSED; }

class UdpPort final : public Port {
 public:
  UdpPort(Socket socket, Handle ready, std::string name, const Clock& clock)
      : ready_(std::move(ready)),
        cancelled_(make_event()),
        socket_(std::move(socket)),
        name_(std::move(name)),
        clock_(clock) {}

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override {
    for (;;) {
      auto tried = prepare();
      if (!tried) return tried;
      if (send(socket_.get(), reinterpret_cast<const char*>(bytes.data()),
               static_cast<int>(bytes.size()), 0) != SOCKET_ERROR) {
        return {};
      }
      const int why = WSAGetLastError();
      if (unreachable(why) && now() < deadline) continue;  // said of the one before
      auto waited = wait_after(why, deadline);
      if (!waited) return waited;
    }
  }

  /// Unlike on a stream, nothing is a datagram too, and not the end.
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override {
    for (;;) {
      auto tried = prepare();
      if (!tried) return std::move(tried).error();
      const int got = recv(socket_.get(), reinterpret_cast<char*>(into.data()),
                           static_cast<int>(into.size()), 0);
      if (got > 0) return static_cast<std::size_t>(got);
      if (got == 0) {
        if (now() < deadline) continue;
        return Error{Errc::timeout, name_ + ": nothing within the deadline"};
      }
      const int why = WSAGetLastError();
      if (why == WSAEMSGSIZE) return into.size();  // cut to the buffer
      if (unreachable(why)) return Error{Errc::disconnected, name_ + ": nobody listens"};
      auto waited = wait_after(why, deadline);
      if (!waited) return std::move(waited).error();
    }
  }

  void discard() override {
    std::array<char, 1> scrap{};
    // Bounded, as on a stream. What was said of an earlier datagram's end is thrown away too.
    for (int i = 0; i < 256; ++i) {
      const int got = recv(socket_.get(), scrap.data(), 1, 0);
      if (got != SOCKET_ERROR) continue;
      const int why = WSAGetLastError();
      if (why != WSAEMSGSIZE && !unreachable(why)) return;
    }
  }

  void cancel() noexcept override { SetEvent(cancelled_.get()); }
  MonoTime now() const override { return clock_.mono(); }

 private:
  Result<void> prepare() {
    if (WaitForSingleObject(cancelled_.get(), 0) == WAIT_OBJECT_0) {
      return Error{Errc::disconnected, name_ + ": cancelled"};
    }
    // Before the call: what comes after it sets the event again.
    ResetEvent(ready_.get());
    return {};
  }

  /// After a call that ended with `why`: until it is worth trying again.
  Result<void> wait_after(int why, MonoTime deadline) {
    if (why != WSAEWOULDBLOCK) return Error{Errc::disconnected, socket_error(why, name_).text()};
    auto ended = wait_for(ready_.get(), cancelled_.get(), wait_ms(now(), deadline), name_);
    if (ended) return std::move(*ended);
    return {};
  }

  Handle ready_;      ///< an event that the socket sets
  Handle cancelled_;  ///< an event, set for ever once `cancel` was called
  Socket socket_;     // goes before its event
  std::string name_;
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<Port>> open_udp(const std::string& host, std::uint16_t number,
                                       const Clock& clock, MonoTime deadline) {
  start_winsock();
  const bool v6 = host.find(':') != std::string::npos;
  const std::string where =
      "udp://" + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(number);
  auto addresses = resolve(host, number, clock, deadline);
  if (!addresses) return std::move(addresses).error().within(where);
  // The first that the system has a way to: nobody answers yet who could tell which is right.
  Error last{Errc::missing, where + ": the name has no address"};
  for (const auto& to : *addresses) {
    Socket socket{WSASocketW(to.v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, IPPROTO_UDP, nullptr, 0,
                             WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT)};
    auto ready = make_event();
    // This also makes the socket non-blocking.
    const auto* address = reinterpret_cast<const sockaddr*>(to.bytes.data());
    if (socket && WSAEventSelect(socket.get(), ready.get(), FD_READ | FD_WRITE) == 0 &&
        connect(socket.get(), address, static_cast<int>(to.size)) == 0) {
      return std::unique_ptr<Port>{
          std::make_unique<UdpPort>(std::move(socket), std::move(ready), where, clock)};
    }
    last = socket_error(WSAGetLastError(), where);
  }
  return last;
}

}  // namespace kw::platform
