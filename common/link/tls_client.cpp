#include <algorithm>
#include <cstring>

#include <openssl/err.h>

#include "common/identity/keys.hpp"
#include "common/link/tls_state.hpp"

namespace kw::link {
namespace {

using identity::openssl_error;

int side_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

ClientSide* side_of(const SSL* ssl) {
  return static_cast<ClientSide*>(SSL_get_ex_data(ssl, side_index()));
}

bool is_pinned(const X509* certificate, const std::string& pin) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  return X509_digest(certificate, EVP_sha256(), digest, &size) == 1 && size == pin.size() &&
         CRYPTO_memcmp(digest, pin.data(), size) == 0;
}

/// The pinned authority among `stack`, or null.
X509* pinned_in(const STACK_OF(X509) * stack, const std::string& pin) {
  for (int i = 0; i < identity::count(stack); ++i) {
    X509* candidate = identity::at(stack, i);
    if (X509_check_ca(candidate) == 1 && is_pinned(candidate, pin)) return candidate;
  }
  return nullptr;
}

/// Verifies with the pinned authority as the only anchor, wherever it was found.
int verify_to_pin(X509_STORE_CTX* context, ClientSide& side, const ClientTls::State& state) {
  X509* anchor = pinned_in(X509_STORE_CTX_get0_untrusted(context), state.pin);
  if (anchor == nullptr) anchor = pinned_in(state.trust.get(), state.pin);
  if (anchor == nullptr) {
    side.why = "the pinned CA is not in the server's chain";
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
  }
  const identity::StackPtr anchors{sk_X509_new_null()};
  X509_up_ref(anchor);
  sk_X509_push(anchors.get(), anchor);
  X509_STORE_CTX_set0_trusted_stack(context, anchors.get());
  const int ok = X509_verify_cert(context);
  X509_STORE_CTX_set0_trusted_stack(context, nullptr);
  return ok;
}

/// Replaces OpenSSL's own call so that a pin can choose the anchor and the reason is kept.
int verify_server(X509_STORE_CTX* context, void*) {
  const auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  ClientSide& side = *side_of(ssl);
  const auto& state = side.tls->state();
  side.why.clear();
  auto* param = X509_STORE_CTX_get0_param(context);
  if (state.ignore_dates) X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  const int ok =
      state.pin.empty() ? X509_verify_cert(context) : verify_to_pin(context, side, state);
  if (ok == 1) return 1;
  if (side.why.empty()) {
    X509* at_fault = X509_STORE_CTX_get_current_cert(context);
    side.why = verify_failure(X509_STORE_CTX_get_error(context), at_fault, side.server.host);
  }
  side.verdict = X509_STORE_CTX_get_error(context);
  if (X509* leaf = X509_STORE_CTX_get0_cert(context)) side.shown = described(leaf);
  return 0;
}

/// A fresh ticket came. A copy is kept: OpenSSL marks the original as not resumable when its
/// connection ends without a close_notify, and that is how connections of kiosks end.
int keep_ticket(SSL* ssl, SSL_SESSION* session) {
  ClientSide* side = side_of(ssl);
  if (side != nullptr && side->tls->state().resume) {
    side->tls->state().tickets[side->server.text()].reset(SSL_SESSION_dup(session));
  }
  return 0;  // no reference was taken
}

bool is_address(const std::string& host) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(host.c_str());
  ERR_clear_error();
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

}  // namespace

ClientTls::ClientTls(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClientTls::~ClientTls() = default;

Result<std::shared_ptr<const ClientTls>> ClientTls::make(const Options& options) {
  ERR_clear_error();
  auto state = std::make_unique<State>();
  state->ignore_dates = options.ignore_dates;
  state->resume = options.resume;
  if (!options.pin_sha256.empty()) {
    auto pin = identity::from_hex(options.pin_sha256);
    if (!pin || pin->size() != 32) return Error{Errc::invalid, "the pin is not a SHA-256 in hex"};
    state->pin = std::move(*pin);
  }
  if (options.trust_pem.empty() && state->pin.empty()) {
    return Error{Errc::invalid, "TLS: neither trusted certificates nor a pin were given"};
  }
  state->ctx.reset(SSL_CTX_new(TLS_client_method()));
  if (!state->ctx) return openssl_error(Errc::unsupported, "TLS");
  SSL_CTX* ctx = state->ctx.get();
  auto ready = set_up(ctx, options.own);
  if (!ready) return std::move(ready).error();
  if (!options.trust_pem.empty()) {
    auto trust = identity::read_certificates(options.trust_pem);
    if (!trust) return std::move(trust).error().within("TLS: trusted certificates");
    state->trust = std::move(*trust);
    X509_STORE* store = SSL_CTX_get_cert_store(ctx);
    for (int i = 0; i < identity::count(state->trust.get()); ++i) {
      X509_STORE_add_cert(store, identity::at(state->trust.get(), i));
    }
  }
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(ctx, verify_server, nullptr);
  if (options.resume) {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, keep_ticket);
  } else {
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  }
  return std::shared_ptr<const ClientTls>{new ClientTls{std::move(state)}};
}

Result<identity::SslPtr> open_ssl(ClientSide& side) {
  ERR_clear_error();
  auto& state = side.tls->state();
  identity::SslPtr ssl{SSL_new(state.ctx.get())};
  if (!ssl || SSL_set_ex_data(ssl.get(), side_index(), &side) != 1) {
    return openssl_error(Errc::unsupported, "TLS");
  }
  auto* param = SSL_get0_param(ssl.get());
  const auto& host = side.server.host;
  bool ok = false;
  if (is_address(host)) {
    ok = X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    ok = X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl.get(), host.c_str()) == 1;
  }
  if (!ok) return openssl_error(Errc::invalid, "TLS: host name \"" + host + "\"");
  const auto ticket = state.tickets.find(side.server.text());
  if (ticket != state.tickets.end()) {
    const auto session = std::move(ticket->second);
    state.tickets.erase(ticket);  // used once: two uses of one ticket could be linked
    if (SSL_SESSION_is_resumable(session.get()) == 1) SSL_set_session(ssl.get(), session.get());
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

PeerCertificate peer_of(SSL* ssl, const ClientTls&) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return PeerCertificate{};
  auto peer = described(certificate);
  peer.chain_ok = true;  // else there were no handshake
  peer.resumed = SSL_session_reused(ssl) == 1;
  return peer;
}

}  // namespace kw::link
