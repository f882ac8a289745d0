#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>

#include "common/link/tls_state.hpp"
#include "common/task.hpp"

namespace kw::link {

using tcp = asio::ip::tcp;
using boost::system::error_code;

/// Codes of OpenSSL's error queue; messages in words for an operator.
const boost::system::error_category& tls_category();
/// Whether the other end refused our certificate: dialling again unchanged will not help.
bool certificate_refused(error_code ec);

/// A TLS byte stream that lets OpenSSL read and write the socket's descriptor itself and waits for
/// readiness by Asio. asio::ssl::stream would keep 35 KB of staging buffers a connection; here an
/// idle connection holds none. One reader and one writer at a time, all on one thread. The stream
/// outlives its operations; moving it is allowed while there are none.
class TlsStream {
 public:
  using next_layer_type = tcp::socket;
  using lowest_layer_type = tcp::socket;
  using executor_type = tcp::socket::executor_type;

  static Result<TlsStream> client(tcp::socket socket, std::unique_ptr<ClientSide> side);
  static Result<TlsStream> server(tcp::socket socket, std::shared_ptr<const ServerTls> tls);

  TlsStream(TlsStream&&) = default;
  TlsStream& operator=(TlsStream&&) = delete;
  ~TlsStream() = default;

  executor_type get_executor() { return socket_.get_executor(); }
  tcp::socket& next_layer() { return socket_; }
  const tcp::socket& next_layer() const { return socket_; }
  lowest_layer_type& lowest_layer() { return socket_; }

  /// Who is at the other end; after the handshake.
  PeerCertificate peer() const;
  /// Why the handshake failed, beyond the error code: the certificate was not to our liking.
  std::string refusal() const;
  /// What a client's end knows of a server that it refused; null at a server's end.
  const ClientSide* client_side() const { return client_.get(); }
  /// At a server's end: whether the client has said its first word (a whole ClientHello).
  bool greeted() const;
  /// Gives back what only the handshake needed: the client's intermediate certificates.
  void forget_handshake();
  /// Says good-bye once, without waiting: close_notify as far as the socket takes it.
  void notify_close();

  template <class Token>
  auto async_handshake(Token&& token) {
    return asio::async_compose<Token, void(error_code)>(Op<Handshaking>{*this, {}}, token, socket_);
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    asio::mutable_buffer into;
    for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
         ++it) {
      into = *it;
      if (into.size() > 0) break;
    }
    return asio::async_compose<Token, void(error_code, std::size_t)>(Op<Reading>{*this, {into}},
                                                                     token, socket_);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    Pieces pieces;
    for (auto it = asio::buffer_sequence_begin(buffers);
         it != asio::buffer_sequence_end(buffers) && pieces.count < pieces.at.size(); ++it) {
      const asio::const_buffer piece{*it};
      if (piece.size() > 0) pieces.at[pieces.count++] = piece;
    }
    return asio::async_compose<Token, void(error_code, std::size_t)>(Op<Writing>{*this, {pieces}},
                                                                     token, socket_);
  }

 private:
  enum class Want { nothing, readable, writable };

  /// What one call of OpenSSL came to.
  struct Step {
    Want want = Want::nothing;
    error_code ec;
    std::size_t moved = 0;
  };

  /// The first non-empty buffers of a sequence; what does not fit is the next write's.
  struct Pieces {
    std::array<asio::const_buffer, 4> at;
    std::size_t count = 0;
  };

  TlsStream(tcp::socket socket, std::unique_ptr<ClientSide> client,
            std::shared_ptr<const ServerTls> server, identity::SslPtr ssl);

  Step handshake();
  Step read(asio::mutable_buffer into);
  Step write(std::span<const asio::const_buffer> pieces);
  Step outcome(int returned);
  bool closed(Step& step) const;
  Result<void> attach();

  template <class Self>
  void wait(Want want, Self& self) {
    const auto event = want == Want::readable ? tcp::socket::wait_read : tcp::socket::wait_write;
    socket_.async_wait(event, std::move(self));
  }

  /// Tries, waits for readiness, tries again. `Try` is one of the three calls below.
  template <class Try>
  struct Op {
    TlsStream& stream;
    Try attempt;
    bool waited = false;
    bool done = false;
    Step last{};

    template <class Self>
    void operator()(Self& self, error_code ec = {}) {
      if (done) return attempt.complete(self, last);
      if (ec) {
        last.ec = ec;
        return attempt.complete(self, last);
      }
      last = attempt(stream);
      if (last.want != Want::nothing) {
        waited = true;
        return stream.wait(last.want, self);
      }
      if (waited) return attempt.complete(self, last);
      done = true;  // never completes inside the call that began it
      asio::post(stream.get_executor(), std::move(self));
    }
  };

  struct Handshaking {
    Step operator()(TlsStream& stream) const { return stream.handshake(); }
    template <class Self>
    void complete(Self& self, const Step& step) const {
      self.complete(step.ec);
    }
  };

  struct Reading {
    asio::mutable_buffer into;
    Step operator()(TlsStream& stream) const { return stream.read(into); }
    template <class Self>
    void complete(Self& self, const Step& step) const {
      self.complete(step.ec, step.moved);
    }
  };

  struct Writing {
    Pieces pieces;
    Step operator()(TlsStream& stream) const {
      return stream.write(std::span{pieces.at}.first(pieces.count));
    }
    template <class Self>
    void complete(Self& self, const Step& step) const {
      self.complete(step.ec, step.moved);
    }
  };

  tcp::socket socket_;
  std::unique_ptr<ClientSide> client_;
  std::shared_ptr<const ServerTls> server_;
  MonoTime ticket_due_{};
  identity::SslPtr ssl_;  // last: freed while its context and side are alive
};

/// Ends the sending half, then reads and drops what still comes until the other end closes, 2 s at
/// most: closing over unread data would reset the connection and lose our last words.
Task<void> linger(tcp::socket& socket);
/// The same with TLS's own good-bye first.
Task<void> linger(TlsStream& stream);

/// How Beast's WebSocket ends a connection of ours. `stream` outlives the operation.
template <class Handler>
void async_teardown(boost::beast::role_type, TlsStream& stream, Handler&& handler) {
  asio::co_spawn(stream.get_executor(), linger(stream),
                 [h = std::forward<Handler>(handler)](std::exception_ptr) mutable {
                   std::move(h)(error_code{});
                 });
}

}  // namespace kw::link
