#include <cstring>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "common/link/tls_state.hpp"
#include "common/log.hpp"

namespace kw::link {
namespace {

using identity::openssl_error;

constexpr long session_life_s = 7L * 24 * 3600;
constexpr unsigned char session_context[] = "kioskwatch";

int state_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

time_t seconds(WallTime t) { return static_cast<time_t>(micros(t) / 1'000'000); }

/// An expired certificate may connect, to be renewed; what it may do is decided later, by
/// PeerCertificate::expired. Nothing else passes.
int tolerate_expiry(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  const bool own = X509_STORE_CTX_get_error_depth(context) == 0;
  if (!own || X509_STORE_CTX_get_error(context) != X509_V_ERR_CERT_HAS_EXPIRED) return 0;
  X509_STORE_CTX_set_error(context, X509_V_OK);
  return 1;
}

bool chain_holds(X509* certificate, X509_STORE* store, WallTime now) {
  const identity::StoreCtxPtr context{X509_STORE_CTX_new()};
  if (!context || X509_STORE_CTX_init(context.get(), store, certificate, nullptr) != 1)
    return false;
  X509_STORE_CTX_set_default(context.get(), "ssl_client");
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), seconds(now));
  X509_STORE_CTX_set_verify_cb(context.get(), tolerate_expiry);
  const bool ok = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  return ok;
}

/// Seals and opens session tickets: AES-256-CBC, then HMAC-SHA-256 over it (RFC 5077, section 4).
/// 2: opened, and the client is to have a fresh one, so that no ticket is used twice.
int seal_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac, int sealing) {
  auto* state =
      static_cast<ServerTls::State*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), state_index()));
  const auto now = state->clock.wall();
  const TicketKeys::Key* key = nullptr;
  if (sealing == 1) {
    key = &state->tickets.current(now);
    if (RAND_bytes(iv, 16) != 1) return -1;
    std::memcpy(name, key->name.data(), key->name.size());
  } else {
    key = state->tickets.find(name, now);
    if (key == nullptr) return 0;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  if (EVP_CipherInit_ex2(cipher, EVP_aes_256_cbc(), key->cipher.data(), iv, sealing, nullptr) !=
          1 ||
      EVP_MAC_init(mac, key->mac.data(), key->mac.size(), params) != 1) {
    return -1;
  }
  return sealing == 1 ? 1 : 2;
}

Result<void> load(SSL_CTX* ctx, const Credentials& own) {
  auto chain = identity::read_certificates(own.chain_pem);
  if (!chain) return std::move(chain).error().within("TLS: own certificate");
  auto key = identity::read_key(own.key_pem);
  if (!key) return std::move(key).error().within("TLS: own key");
  if (SSL_CTX_use_certificate(ctx, identity::at(chain->get(), 0)) != 1) {
    return openssl_error(Errc::invalid, "TLS: own certificate");
  }
  for (int i = 1; i < identity::count(chain->get()); ++i) {
    if (SSL_CTX_add1_chain_cert(ctx, identity::at(chain->get(), i)) != 1) {
      return openssl_error(Errc::invalid, "TLS: own certificate's chain");
    }
  }
  if (SSL_CTX_use_PrivateKey(ctx, key->get()) != 1 || SSL_CTX_check_private_key(ctx) != 1) {
    return openssl_error(Errc::invalid, "TLS: the key does not belong to the certificate");
  }
  return {};
}

Result<void> set_up_tickets(SSL_CTX* ctx) {
  // Without a context a session with a client certificate is never resumed.
  const bool ok =
      SSL_CTX_set_session_id_context(ctx, session_context, sizeof session_context - 1) == 1 &&
      SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
      SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, seal_ticket) == 1;
  if (!ok) return openssl_error(Errc::unsupported, "TLS: tickets");
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(ctx, session_life_s);
  return {};
}

std::string day_of(const ASN1_TIME* t) { return rfc3339(identity::wall_of(t)).substr(0, 10); }

}  // namespace

Result<void> set_up(SSL_CTX* ctx, const Credentials& own) {
  constexpr const char* ciphers =
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
      "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";
  const bool ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
                  SSL_CTX_set_cipher_list(ctx, ciphers) == 1 &&
                  SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1;
  if (!ok) return openssl_error(Errc::unsupported, "TLS: settings");
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  if (own.chain_pem.empty() && own.key_pem.empty()) return {};
  return load(ctx, own);
}

std::string verify_failure(int code, X509* certificate, const std::string& host) {
  switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      if (certificate == nullptr) break;
      return "certificate has expired (" + day_of(X509_get0_notAfter(certificate)) + ")";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      if (certificate == nullptr) break;
      return "certificate is not valid before " + day_of(X509_get0_notBefore(certificate)) +
             "; is the clock right?";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "host name mismatch: the certificate is not for " + host;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED: {
      const auto issuer = certificate == nullptr
                              ? std::string{}
                              : identity::common_name_of(X509_get_issuer_name(certificate));
      return "signed by another CA" + (issuer.empty() ? issuer : " (" + issuer + ")");
    }
    case X509_V_ERR_INVALID_PURPOSE:
      return "certificate is not meant for this use";
    default:
      break;
  }
  return X509_verify_cert_error_string(code);
}

PeerCertificate described(X509* certificate) {
  PeerCertificate peer;
  peer.present = true;
  peer.serial = identity::serial_of(certificate);
  peer.common_name = identity::common_name_of(X509_get_subject_name(certificate));
  peer.uri = identity::uri_of(certificate);
  peer.not_before = identity::wall_of(X509_get0_notBefore(certificate));
  peer.not_after = identity::wall_of(X509_get0_notAfter(certificate));
  peer.der = identity::der_of(certificate);
  return peer;
}

ServerTls::ServerTls(std::unique_ptr<State> state) : state_(std::move(state)) {}
ServerTls::~ServerTls() = default;

Result<std::shared_ptr<const ServerTls>> ServerTls::make(const Options& options,
                                                         const Clock& clock) {
  ERR_clear_error();
  auto keys = TicketKeys::open(options.ticket_keys, clock.wall());
  if (!keys) return std::move(keys).error().within("TLS");
  auto state = std::make_unique<State>(clock, std::move(*keys));
  state->verify_clients = options.verify_clients;
  state->ctx.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* ctx = state->ctx.get();
  if (ctx == nullptr || SSL_CTX_set_ex_data(ctx, state_index(), state.get()) != 1) {
    return openssl_error(Errc::unsupported, "TLS");
  }
  auto ready = set_up(ctx, options.own);
  if (!ready) return std::move(ready).error();
  auto tickets = set_up_tickets(ctx);
  if (!tickets) return std::move(tickets).error();
  state->clients.reset(X509_STORE_new());
  // An issuing CA that is trusted by name ends the chain: its own signature by the root (P-384) is
  // not computed again at every handshake, and a resumed session brings no intermediates.
  X509_STORE_set_flags(state->clients.get(), X509_V_FLAG_PARTIAL_CHAIN);
  if (options.verify_clients) {
    auto trust = identity::read_certificates(options.client_trust_pem);
    if (!trust) return std::move(trust).error().within("TLS: clients' CA");
    for (int i = 0; i < identity::count(trust->get()); ++i) {
      X509_STORE_add_cert(state->clients.get(), identity::at(trust->get(), i));
    }
    SSL_CTX_set1_verify_cert_store(ctx, state->clients.get());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, tolerate_expiry);
  }
  return std::shared_ptr<const ServerTls>{new ServerTls{std::move(state)}};
}

Result<identity::SslPtr> open_ssl(const ServerTls& tls) {
  ERR_clear_error();
  identity::SslPtr ssl{SSL_new(tls.state().ctx.get())};
  if (!ssl) return openssl_error(Errc::unsupported, "TLS");
  X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl.get()), seconds(tls.state().clock.wall()));
  SSL_set_accept_state(ssl.get());
  return ssl;
}

PeerCertificate peer_of(SSL* ssl, const ServerTls& tls) {
  const auto& state = tls.state();
  X509* certificate = SSL_get0_peer_certificate(ssl);
  PeerCertificate peer;
  if (certificate != nullptr) peer = described(certificate);
  peer.resumed = SSL_session_reused(ssl) == 1;
  if (certificate == nullptr) return peer;
  const auto now = state.clock.wall();
  peer.expired = peer.not_after <= now;
  peer.chain_ok = peer.resumed ? chain_holds(certificate, state.clients.get(), now)
                               : state.verify_clients;  // else there were no handshake
  return peer;
}

}  // namespace kw::link
