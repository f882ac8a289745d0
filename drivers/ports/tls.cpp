#include "drivers/ports/tls.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace kw::drivers {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

std::string last_reason() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

/// One for the program: it holds nothing of a server.
SSL_CTX& context() {
  static const std::unique_ptr<SSL_CTX, FreeContext> shared = [] {
    std::unique_ptr<SSL_CTX, FreeContext> out{SSL_CTX_new(TLS_client_method())};
    SSL_CTX_set_min_proto_version(out.get(), TLS1_2_VERSION);
    SSL_CTX_set_verify(out.get(), SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_session_cache_mode(out.get(), SSL_SESS_CACHE_OFF);
    return out;
  }();
  return *shared;
}

std::int64_t days_to_seconds(int days) { return static_cast<std::int64_t>(days) * 24 * 3'600; }

}  // namespace

/// OpenSSL works on two memory queues; `pump` carries them over the wire.
struct TlsPort::State {
  State(std::unique_ptr<Port> port, const std::string& server)
      : wire(std::move(port)), ssl(SSL_new(&context())) {
    in = BIO_new(BIO_s_mem());
    out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(ssl.get(), in, out);
    SSL_set_connect_state(ssl.get());
    // An address is no server name (RFC 6066 section 3).
    const bool address = server.find_first_not_of("0123456789.") == std::string::npos ||
                         server.find(':') != std::string::npos;
    if (!address) SSL_set_tlsext_host_name(ssl.get(), server.c_str());
  }

  Result<void> flush(MonoTime deadline) {
    std::array<std::uint8_t, 4'096> chunk{};
    for (;;) {
      const int n = BIO_read(out, chunk.data(), static_cast<int>(chunk.size()));
      if (n <= 0) return {};
      auto sent = wire->write(std::span{chunk}.first(static_cast<std::size_t>(n)), deadline);
      if (!sent) return sent;
    }
  }

  /// After a call that gave `result`: carries bytes so that it may be tried again.
  Result<void> pump(int result, MonoTime deadline) {
    const int why = SSL_get_error(ssl.get(), result);
    auto sent = flush(deadline);
    if (!sent) return sent;
    if (why == SSL_ERROR_ZERO_RETURN) return Error{Errc::disconnected, "closed by the other end"};
    if (why != SSL_ERROR_WANT_READ) return Error{Errc::refused, "TLS: " + last_reason()};
    std::array<std::uint8_t, 4'096> chunk{};
    auto got = wire->read(chunk, deadline);
    if (!got) return std::move(got).error();
    BIO_write(in, chunk.data(), static_cast<int>(*got));
    return {};
  }

  std::unique_ptr<Port> wire;
  std::unique_ptr<SSL, FreeSession> ssl;
  BIO* in = nullptr;   ///< from the wire; belongs to `ssl`
  BIO* out = nullptr;  ///< to the wire; belongs to `ssl`
};

TlsPort::TlsPort(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsPort::~TlsPort() = default;

Result<std::unique_ptr<TlsPort>> TlsPort::connect(std::unique_ptr<Port> wire,
                                                  const std::string& server, MonoTime deadline) {
  auto state = std::make_unique<State>(std::move(wire), server);
  ERR_clear_error();
  for (;;) {
    const int n = SSL_do_handshake(state->ssl.get());
    if (n == 1) break;
    auto carried = state->pump(n, deadline);
    if (!carried) return std::move(carried).error();
  }
  auto sent = state->flush(deadline);
  if (!sent) return std::move(sent).error();
  if (SSL_get0_peer_certificate(state->ssl.get()) == nullptr) {
    return Error{Errc::refused, "TLS: the server has no certificate"};
  }
  return std::unique_ptr<TlsPort>{new TlsPort{std::move(state)}};
}

WallTime TlsPort::valid_until() const {
  const X509* certificate = SSL_get0_peer_certificate(state_->ssl.get());
  int days = 0;
  int seconds = 0;
  // Counted from the epoch: no time zone, no library's idea of time_t.
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> epoch{ASN1_TIME_set(nullptr, 0),
                                                                    &ASN1_TIME_free};
  ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate));
  return WallTime{std::chrono::seconds{days_to_seconds(days) + seconds}};
}

Result<void> TlsPort::write(std::span<const std::uint8_t> bytes, MonoTime deadline) {
  ERR_clear_error();
  while (!bytes.empty()) {
    const auto piece = std::min<std::size_t>(bytes.size(), 16 * 1'024);
    const int n = SSL_write(state_->ssl.get(), bytes.data(), static_cast<int>(piece));
    if (n > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      continue;
    }
    auto carried = state_->pump(n, deadline);
    if (!carried) return carried;
  }
  return state_->flush(deadline);
}

Result<std::size_t> TlsPort::read(std::span<std::uint8_t> into, MonoTime deadline) {
  ERR_clear_error();
  for (;;) {
    const int n = SSL_read(state_->ssl.get(), into.data(), static_cast<int>(into.size()));
    if (n > 0) return static_cast<std::size_t>(n);
    auto carried = state_->pump(n, deadline);
    if (!carried) return std::move(carried).error();
  }
}

void TlsPort::discard() {
}  // what is unread in here was sent to be read: a stream has no stale answer

void TlsPort::cancel() noexcept { state_->wire->cancel(); }

MonoTime TlsPort::now() const { return state_->wire->now(); }

}  // namespace kw::drivers
