#include "common/link/tls_stream.hpp"

#include <algorithm>
#include <cstring>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "common/link/io.hpp"
#include "common/platform/sockets.hpp"

namespace kw::link {
namespace {

constexpr std::size_t record = 16 * 1024;
constexpr Duration fresh_ticket_every = std::chrono::hours{24};

class TlsCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "tls"; }
  std::string message(int value) const override {
    switch (ERR_GET_REASON(static_cast<unsigned long>(value))) {
      case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return "the other end refused our certificate: signed by another CA";
      case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return "the other end refused our certificate: expired";
      case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return "the other end refused our certificate: revoked";
      case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        return "the other end refused our certificate";
      case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return "the other end wants a certificate";
      case SSL_R_HTTP_REQUEST:
        return "the other end speaks plain HTTP";
      case SSL_R_WRONG_VERSION_NUMBER:
        return "the other end does not speak TLS";
      default:
        break;
    }
    const char* reason = ERR_reason_error_string(static_cast<unsigned long>(value));
    return reason != nullptr ? reason : "unknown TLS error";
  }
};

}  // namespace

const boost::system::error_category& tls_category() {
  static const TlsCategory category;
  return category;
}

bool certificate_refused(error_code ec) {
  if (ec.category() != tls_category()) return false;
  switch (ERR_GET_REASON(static_cast<unsigned long>(ec.value()))) {
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return true;
    default:
      return false;
  }
}

TlsStream::TlsStream(tcp::socket socket, std::unique_ptr<ClientSide> client,
                     std::shared_ptr<const ServerTls> server, identity::SslPtr ssl)
    : socket_(std::move(socket)),
      client_(std::move(client)),
      server_(std::move(server)),
      ssl_(std::move(ssl)) {
  if (server_) ticket_due_ = server_->state().clock.mono() + fresh_ticket_every;
}

Result<TlsStream> TlsStream::client(tcp::socket socket, std::unique_ptr<ClientSide> side) {
  auto ssl = open_ssl(*side);
  if (!ssl) return std::move(ssl).error();
  TlsStream stream{std::move(socket), std::move(side), nullptr, std::move(*ssl)};
  auto attached = stream.attach();
  if (!attached) return std::move(attached).error();
  return stream;
}

Result<TlsStream> TlsStream::server(tcp::socket socket, std::shared_ptr<const ServerTls> tls) {
  auto ssl = open_ssl(*tls);
  if (!ssl) return std::move(ssl).error();
  TlsStream stream{std::move(socket), nullptr, std::move(tls), std::move(*ssl)};
  auto attached = stream.attach();
  if (!attached) return std::move(attached).error();
  return stream;
}

Result<void> TlsStream::attach() {
  error_code ec;
  socket_.non_blocking(true, ec);
  if (ec) return error_of(ec, "TLS");
  platform::tune_tcp(socket_.native_handle());
  if (SSL_set_fd(ssl_.get(), static_cast<int>(socket_.native_handle())) != 1) {
    return identity::openssl_error(Errc::unsupported, "TLS");
  }
  return {};
}

PeerCertificate TlsStream::peer() const {
  return server_ ? peer_of(ssl_.get(), *server_) : peer_of(ssl_.get(), *client_->tls);
}

std::string TlsStream::refusal() const {
  if (client_) return client_->why;
  const long code = SSL_get_verify_result(ssl_.get());
  return code == X509_V_OK ? std::string{} : verify_failure(static_cast<int>(code), nullptr, "");
}

bool TlsStream::greeted() const { return SSL_get_state(ssl_.get()) != TLS_ST_BEFORE; }

void TlsStream::forget_handshake() {
  // The stack stays the session's, its certificates (4 KB each) go: tickets hold the leaf only.
  if (!server_) return;
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl_.get());
  while (identity::count(chain) > 0) X509_free(sk_X509_pop(chain));
}

void TlsStream::notify_close() {
  if (!socket_.is_open() || SSL_in_init(ssl_.get()) == 1) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

/// Once the socket is closed its number may already be another connection's: OpenSSL must not touch
/// it any more.
bool TlsStream::closed(Step& step) const {
  if (socket_.is_open()) return false;
  step.ec = asio::error::operation_aborted;
  return true;
}

TlsStream::Step TlsStream::outcome(int returned) {
  const int number = platform::last_socket_error();
  Step step;
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      step.want = Want::readable;
      return step;
    case SSL_ERROR_WANT_WRITE:
      step.want = Want::writable;
      return step;
    case SSL_ERROR_ZERO_RETURN:
      step.ec = asio::error::eof;
      return step;
    case SSL_ERROR_SYSCALL:
      step.ec = number == 0 ? error_code{asio::error::eof}
                            : error_code{number, boost::system::system_category()};
      break;
    default: {
      const auto code = ERR_get_error();
      const bool cut = ERR_GET_LIB(code) == ERR_LIB_SSL &&
                       ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
      step.ec = cut ? error_code{asio::error::eof}
                    : error_code{static_cast<int>(code & 0x7fffffffUL), tls_category()};
    }
  }
  ERR_clear_error();
  return step;
}

TlsStream::Step TlsStream::handshake() {
  Step step;
  if (closed(step)) return step;
  ERR_clear_error();
  platform::forget_socket_error();
  const int r = SSL_do_handshake(ssl_.get());
  return r == 1 ? step : outcome(r);
}

TlsStream::Step TlsStream::read(asio::mutable_buffer into) {
  Step step;
  if (into.size() == 0 || closed(step)) return step;
  ERR_clear_error();
  platform::forget_socket_error();
  // OpenSSL may hold decrypted bytes that the socket knows nothing of: always read first, wait only
  // when that wants more.
  const int r = SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min(into.size(), record)));
  if (r <= 0) return outcome(r);
  step.moved = static_cast<std::size_t>(r);
  return step;
}

TlsStream::Step TlsStream::write(std::span<const asio::const_buffer> pieces) {
  Step step;
  if (pieces.empty() || closed(step)) return step;
  if (server_ && server_->state().clock.mono() >= ticket_due_) {
    // Goes out with what is written next; a connection that lasts longer than its ticket lives
    // would shake hands in full afterwards.
    ticket_due_ = server_->state().clock.mono() + fresh_ticket_every;
    SSL_new_session_ticket(ssl_.get());
  }
  // A frame's header and payload belong into one record: each costs 22 bytes on the line. After
  // WANT_WRITE the same pieces come again and give the same bytes.
  unsigned char gathered[record];
  const void* data = pieces.front().data();
  std::size_t size = std::min(pieces.front().size(), record);
  if (pieces.size() > 1 && size < record) {
    data = gathered;
    size = 0;
    for (const auto& piece : pieces) {
      const auto part = std::min(piece.size(), record - size);
      std::memcpy(gathered + size, piece.data(), part);
      size += part;
    }
  }
  ERR_clear_error();
  platform::forget_socket_error();
  const int r = SSL_write(ssl_.get(), data, static_cast<int>(size));
  if (r <= 0) return outcome(r);
  step.moved = static_cast<std::size_t>(r);
  return step;
}

namespace {

enum class Drain { more, wait, over };

Drain drain(tcp::socket& socket, std::size_t& drained) {
  constexpr std::size_t most = 1024 * 1024;
  char dropped[4096];
  error_code ec;
  drained += socket.read_some(asio::buffer(dropped), ec);
  if (ec == asio::error::would_block) return Drain::wait;
  return ec || drained > most ? Drain::over : Drain::more;
}

}  // namespace

Task<void> linger(tcp::socket& socket) {
  error_code ec;
  socket.shutdown(tcp::socket::shutdown_send, ec);
  socket.non_blocking(true, ec);
  const CutAfter limit{socket, std::chrono::seconds{2}};
  std::size_t drained = 0;
  while (!ec) {
    const auto next = drain(socket, drained);
    if (next == Drain::over) break;
    if (next == Drain::more) continue;
    std::tie(ec) = co_await socket.async_wait(tcp::socket::wait_read, as_result);
  }
  socket.close(ec);
}

Task<void> linger(TlsStream& stream) {
  stream.notify_close();
  return linger(stream.next_layer());
}

}  // namespace kw::link
