#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include "common/result.hpp"
#include "common/task.hpp"

/// What connections of every kind need. For sources of link/ only.
namespace kw::link {

using tcp = asio::ip::tcp;
using boost::system::error_code;

/// Closes a socket when its time is over, which ends whatever is under way on it. Disarmed when it
/// goes out of scope; the socket may be gone before, but not moved.
class CutAfter {
 public:
  CutAfter(tcp::socket& socket, Duration limit);
  CutAfter(const CutAfter&) = delete;
  CutAfter& operator=(const CutAfter&) = delete;
  ~CutAfter();

  /// The time starts again.
  void restart(Duration limit);
  bool expired() const { return state_->expired; }

 private:
  struct State {
    tcp::socket* socket;
    bool expired = false;
    unsigned round = 0;  ///< an expiry of an earlier round may be queued already
  };

  std::shared_ptr<State> state_;
  asio::steady_timer timer_;
};

/// An error code as one of ours: "connect: connection refused".
Error error_of(error_code ec, std::string_view step);
/// "TLS: no answer within 10000 ms".
Error timeout_of(Duration limit, std::string_view step);

struct Moved {
  error_code ec;
  std::size_t n = 0;
};

/// A connected byte stream, TLS or plain, so that what is above it is compiled once.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual Task<Moved> read_some(asio::mutable_buffer into) = 0;
  virtual Task<Moved> write_some(asio::const_buffer bytes) = 0;
  virtual tcp::socket& socket() = 0;
};

class PlainBytes final : public ByteStream {
 public:
  explicit PlainBytes(tcp::socket& socket) : socket_(socket) {}
  Task<Moved> read_some(asio::mutable_buffer into) override;
  Task<Moved> write_some(asio::const_buffer bytes) override;
  tcp::socket& socket() override { return socket_; }

 private:
  tcp::socket& socket_;
};

class TlsStream;

class TlsBytes final : public ByteStream {
 public:
  explicit TlsBytes(TlsStream& stream) : stream_(stream) {}
  Task<Moved> read_some(asio::mutable_buffer into) override;
  Task<Moved> write_some(asio::const_buffer bytes) override;
  tcp::socket& socket() override;

 private:
  TlsStream& stream_;
};

/// The whole of `bytes`; a peer that takes nothing for 30 s is cut.
Task<error_code> write_all(ByteStream& stream, std::string_view bytes);

/// The peer's address and port as text; empty when it is gone already.
std::string remote_of(const tcp::socket& socket);

}  // namespace kw::link
