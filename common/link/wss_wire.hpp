#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/intrusive/list_hook.hpp>

#include "common/link/link.hpp"
#include "common/link/tls_stream.hpp"

/// One WebSocket and what is under way on it. For the wss_ files only: Beast ends here.
namespace kw::link {

namespace websocket = boost::beast::websocket;

/// Without permessage-deflate: it would cost 12 KB a connection.
using WebSocket = websocket::stream<TlsStream, false>;

using WireHook =
    boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// Reading and writing run on their own, by handlers that keep this object alive; a coroutine that
/// waits for them may be cancelled without harm: its frame is still sent, and the message it waited
/// for goes to the next `receive`. io thread only.
class Wire : public std::enable_shared_from_this<Wire> {
 public:
  Wire(TlsStream stream, std::string remote);

  WebSocket& socket() { return ws_; }
  TlsStream& tls() { return ws_.next_layer(); }
  /// Who is at the other end; set once after the handshake.
  PeerCertificate peer;
  const std::string remote;
  /// Released with the wire; keeps the listener's state, and with it the list that `hook` is in.
  std::shared_ptr<void> seat;
  WireHook hook;  // after `seat`: leaves the list before the list may go

  /// Settings of an open WebSocket, after `async_accept` or `async_handshake`.
  void opened(std::size_t write_buffer);

  static Task<Result<std::string>> receive(std::shared_ptr<Wire> self);
  static Task<Result<void>> send(std::shared_ptr<Wire> self, std::string frame);
  static Task<void> close(std::shared_ptr<Wire> self, std::uint16_t code, std::string reason);
  void cut();
  std::uint16_t close_code() const { return ws_.reason().code; }

 private:
  struct Outgoing {
    Outgoing(std::string f, const asio::any_io_executor& executor);
    std::string frame;
    std::optional<Result<void>> result;
    asio::steady_timer sent;  ///< cancelled when `result` is there
  };

  void read_on();
  void have_read(error_code ec);
  void arrived(Result<std::string> message);
  void write_on();
  void have_written(error_code ec);
  void close_on();
  void have_closed();
  Error ending(error_code ec) const;

  WebSocket ws_;

  std::array<char, 256> first_;  ///< a heartbeat fits: an idle connection holds no more than this
  std::string message_;
  bool reading_ = false;
  std::optional<Result<std::string>> arrived_;
  asio::steady_timer arrival_;  ///< cancelled when `arrived_` is there

  std::list<std::shared_ptr<Outgoing>> outgoing_;
  bool writing_ = false;

  /// Exists while a close is under way.
  struct Closing {
    explicit Closing(const asio::any_io_executor& executor) : limit(executor) {}
    websocket::close_reason reason;
    bool begun = false;
    bool done = false;
    asio::steady_timer limit;  ///< cancelled when `done`
  };
  std::unique_ptr<Closing> closing_;
};

/// The wire as the rest of the program sees it; cuts it when destroyed.
std::unique_ptr<Link> link_on(std::shared_ptr<Wire> wire);

}  // namespace kw::link
