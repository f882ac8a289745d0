#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/link/http.hpp"
#include "common/link/proxy.hpp"
#include "common/link/tls.hpp"
#include "common/result.hpp"
#include "common/task.hpp"

namespace kw::link {

/// A frame is at most this long; a longer one closes the connection (WebSocket 1009).
inline constexpr std::size_t frame_limit = 64 * 1024;
inline constexpr std::string_view subprotocol = "kioskwatch.v1";

/// One open WebSocket over mutual TLS: whole binary messages in order. io thread only; one
/// `receive` and any number of `send` may be under way (sends are queued in call order).
class Link {
 public:
  virtual ~Link() = default;
  /// The next message. A cancelled `receive` loses nothing: the next one gets the message.
  virtual Task<Result<std::string>> receive() = 0;
  /// Ends when the system has taken the frame. A cancelled `send` is still sent.
  virtual Task<Result<void>> send(std::string frame) = 0;
  /// Sends a close frame with a code of wire/close_codes.hpp and ends both directions; a peer that
  /// does not answer within 2 s is cut. A pending `receive` ends with Errc::disconnected.
  virtual Task<void> close(std::uint16_t code, std::string reason) = 0;
  /// Cuts the connection now: pending calls end with Errc::disconnected. Any state.
  virtual void cut() = 0;
  /// The close code that the other end sent, 0 while none came.
  virtual std::uint16_t close_code() const = 0;
  virtual const PeerCertificate& peer() const = 0;
  virtual const std::string& remote() const = 0;
};

/// Why a peer that shook hands is not served. Travels as the one HTTP answer that it gets:
/// application/problem+json with `title`, `code`, `detail` and, for "busy", `retry_after_ms`.
struct Refusal {
  /// What the other end acts on: "revoked", "superseded", "unknown-certificate", "wrong-terminal"
  /// (HTTP 403), "busy" (HTTP 503).
  std::string code;
  std::string detail;                   ///< one sentence for people
  std::optional<Duration> retry_after;  ///< "busy": when to come again
};

/// Dials, shakes hands (10 s each step) and upgrades to WebSocket at `/agent`. Error texts name the
/// step that failed: resolve, connect, proxy, TLS, WebSocket. Errc::refused: our certificate, or
/// theirs, is not accepted; Errc::busy: the collector says that it has no room now. `declined`,
/// when given, outlives the call and gets what the collector said after TLS.
Task<Result<std::unique_ptr<Link>>> dial(Endpoint server, std::shared_ptr<const ClientTls> tls,
                                         Duration step = std::chrono::seconds{10},
                                         std::optional<Refusal>* declined = nullptr,
                                         std::optional<Proxy> proxy = std::nullopt);

/// What the collector decides about connections of its agent port. All calls on the io thread.
class Host {
 public:
  virtual ~Host() = default;
  /// After every handshake, resumed or not, before any byte is answered. With a refusal the
  /// connection is closed after one HTTP answer that says it. A resumed session whose certificate
  /// is not ours any more is closed whatever this says. Certificates that are absent or expired
  /// come here too: they may only use `answer`.
  virtual std::optional<Refusal> admit(const PeerCertificate& peer) = 0;
  /// How much of a request's body is taken: asked with its head, before the body is read. Without
  /// a word: as much as a frame has, within the time of a request.
  virtual Task<BodyGrant> allow(HttpRequest head, PeerCertificate peer);
  /// A plain HTTP request under TLS (EST enrolment and renewal, log bundles).
  virtual Task<HttpResponse> answer(HttpRequest request, PeerCertificate peer) = 0;
  /// An upgraded WebSocket of a peer whose certificate is present and in order. The connection ends
  /// when this returns.
  virtual Task<void> serve(std::unique_ptr<Link> link) = 0;
};

/// What a Listener grants strangers; tests give less.
struct ListenerLimits {
  Duration handshake = std::chrono::seconds{10};
  Duration request = std::chrono::seconds{10};
  std::size_t handshakes = 4096;  ///< at a time; further connections wait in the system's queue
  std::size_t connections = 1'000'000;  ///< in all; the same
};

/// The collector's agent port. Handshake and request within 10 s each, else cut. `host` outlives
/// the listener and every coroutine that serves a link.
class Listener {
 public:
  Listener(asio::any_io_executor executor, std::shared_ptr<const ServerTls> tls, Host& host,
           ListenerLimits limits = {});
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();
  /// Binds and starts to serve; port 0 takes a free one. Returns the address in use.
  Result<Endpoint> listen(const Endpoint& at);
  /// New connections get these certificates and this trust; open ones keep theirs.
  void use(std::shared_ptr<const ServerTls> tls);
  /// Accepts no more; what is open goes on, so that it can be drained.
  void stop_accepting();
  /// Accepts no more and cuts every connection, links included.
  void stop();
  std::size_t connections() const;
  std::size_t handshakes() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kw::link
