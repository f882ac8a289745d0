#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::link {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;

  /// "host:port", "[v6]:port". Errc::invalid otherwise.
  static Result<Endpoint> parse(const std::string& text);
  std::string text() const;
};

/// A private key and the chain that goes with it, PEM. The chain starts with the own certificate.
struct Credentials {
  std::string chain_pem;
  std::string key_pem;
};

/// What the other end's certificate says; the same for a full and for a resumed handshake.
struct PeerCertificate {
  bool present = false;
  bool expired = false;   ///< notAfter passed at handshake; everything else was in order
  bool chain_ok = false;  ///< issued under our CA (re-checked by `admit` when resumed)
  bool resumed = false;   ///< SSL_session_reused
  std::string serial;     ///< upper-case hex, as the collector's serial list has it
  std::string common_name;
  std::string uri;  ///< first subjectAltName URI
  WallTime not_before{};
  WallTime not_after{};
  std::string der;  ///< the certificate itself
};

/// How a kiosk speaks to its collector. Shared by its connections; io thread only.
class ClientTls {
 public:
  struct Options {
    Credentials own;         ///< empty: no client certificate (enrolment)
    std::string trust_pem;   ///< CA certificates that may sign the server's; empty only with a pin
    std::string pin_sha256;  ///< hex SHA-256 of a CA certificate (DER) that must be in the chain
    bool ignore_dates = false;  ///< before first contact only (data path, section 7)
    bool resume = true;         ///< keep one session ticket, use it once
  };
  static Result<std::shared_ptr<const ClientTls>> make(const Options& options);

  ClientTls(const ClientTls&) = delete;
  ClientTls& operator=(const ClientTls&) = delete;
  ~ClientTls();

  struct State;
  State& state() const { return *state_; }

 private:
  explicit ClientTls(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// How the collector's agent port speaks. io thread only.
class ServerTls {
 public:
  struct Options {
    Credentials own;
    std::string client_trust_pem;       ///< CA certificates that sign kiosks' certificates
    std::filesystem::path ticket_keys;  ///< file, 0600, rotated daily, survives restarts
    bool verify_clients = true;         ///< false: a server for tests without client certificates
  };
  /// `clock` judges certificates' and ticket keys' dates and outlives this and its connections. The
  /// issuing CAs belong into `client_trust_pem`, not their root alone: a resumed session brings the
  /// kiosk's certificate and no intermediates.
  static Result<std::shared_ptr<const ServerTls>> make(const Options& options, const Clock& clock);

  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;
  ~ServerTls();

  struct State;
  State& state() const { return *state_; }

 private:
  explicit ServerTls(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace kw::link
