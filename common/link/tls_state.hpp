#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/identity/openssl.hpp"
#include "common/link/ticket_keys.hpp"
#include "common/link/tls.hpp"

/// What stands behind ClientTls and ServerTls. For sources of link/ only.
namespace kw::link {

struct ClientTls::State {
  identity::CtxPtr ctx;
  std::string pin;  ///< 32 raw bytes; empty: none
  bool ignore_dates = false;
  bool resume = true;
  identity::StackPtr trust;
  /// The unused ticket of each server, by Endpoint::text.
  std::map<std::string, identity::SessionPtr> tickets;
};

struct ServerTls::State {
  State(const Clock& c, TicketKeys keys) : clock(c), tickets(std::move(keys)) {}

  const Clock& clock;
  TicketKeys tickets;
  identity::CtxPtr ctx;
  identity::StorePtr clients;
  bool verify_clients = true;
};

/// What OpenSSL's callbacks need to know of one connection of a client; outlives its SSL.
struct ClientSide {
  std::shared_ptr<const ClientTls> tls;
  Endpoint server;
  std::string why;        ///< why the server's certificate was refused; empty: it was not
  int verdict = 0;        ///< the same as X509_V_ERR_…
  PeerCertificate shown;  ///< the certificate that was refused
};

/// A client's end: checks the server's name, offers the ticket (which is then used up).
Result<identity::SslPtr> open_ssl(ClientSide& side);
/// A server's end; dates are judged by the clock that ServerTls was given.
Result<identity::SslPtr> open_ssl(const ServerTls& tls);

/// The server as the client sees it after the handshake.
PeerCertificate peer_of(SSL* ssl, const ClientTls& tls);
/// The client as the server sees it. A resumed session brings its certificate with it and OpenSSL
/// does not look at it again: here its chain and dates are judged anew.
PeerCertificate peer_of(SSL* ssl, const ServerTls& tls);

/// Why X.509 verification failed, in words for an operator.
std::string verify_failure(int code, X509* certificate, const std::string& host);

/// Protocol settings that both ends share; loads the credentials when there are any.
Result<void> set_up(SSL_CTX* ctx, const Credentials& own);
/// The fields of a certificate that do not depend on who judges it.
PeerCertificate described(X509* certificate);

}  // namespace kw::link
