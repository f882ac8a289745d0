#include <list>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/intrusive/list.hpp>

#include "common/clock.hpp"
#include "common/link/accept.hpp"
#include "common/link/connect.hpp"
#include "common/link/http_wire.hpp"
#include "common/link/upgrade.hpp"
#include "common/link/wss_wire.hpp"

namespace kw::link {
namespace {

namespace http = boost::beast::http;

/// A server does not mask, so it writes from the frame itself and needs no buffer of Beast's.
constexpr std::size_t server_write_buffer = 8;
/// Certificate requests have about a kilobyte; strangers get no more memory than a frame.
constexpr std::size_t body_limit = frame_limit;
/// An honest handshake is over long before, also while a whole fleet returns. Whoever takes longer
/// makes room when no more can be taken: a few hundred sockets that say nothing must not keep every
/// kiosk out.
constexpr Duration unhurried = std::chrono::seconds{4};
/// What the system keeps of our answers for a peer that does not read, and as much again for its
/// own bookkeeping (socket(7), SO_SNDBUF); it would take 4 MiB each. A pushed configuration and a
/// few hundred acknowledgements fit.
constexpr int unread_most = 128 * 1024;

bool speaks_ours(const http::request<http::empty_body>& request) {
  http::token_list offered{request[http::field::sec_websocket_protocol]};
  return offered.exists(boost::beast::string_view{subprotocol.data(), subprotocol.size()});
}

bool wants_link(const HttpRequest& request) {
  if (request.target != "/agent") return false;
  const auto message = as_beast(request);
  return websocket::is_upgrade(message) && speaks_ours(message);
}

void answer_protocol(websocket::response_type& response) {
  response.set(http::field::sec_websocket_protocol,
               boost::beast::string_view{subprotocol.data(), subprotocol.size()});
  response.set(http::field::server, "kioskwatch");
}

using Wires =
    boost::intrusive::list<Wire, boost::intrusive::member_hook<Wire, WireHook, &Wire::hook>,
                           boost::intrusive::constant_time_size<false>>;

}  // namespace

Task<BodyGrant> Host::allow(HttpRequest, PeerCertificate) { co_return BodyGrant{}; }

struct Listener::State {
  struct Shaking;

  State(asio::any_io_executor e, std::shared_ptr<const ServerTls> t, Host& h, ListenerLimits l)
      : executor(std::move(e)), tls(std::move(t)), host(h), limits(l) {}

  asio::any_io_executor executor;
  std::shared_ptr<const ServerTls> tls;
  Host& host;
  ListenerLimits limits;
  std::shared_ptr<tcp::acceptor> acceptor;
  Wires wires;
  std::size_t connections = 0;
  std::list<Shaking*> shaking;  ///< oldest first
  bool stopped = false;
  QuietLog strangers;

  /// One connection's place in the count; keeps the listener's state until the last one has left.
  struct Seat {
    explicit Seat(std::shared_ptr<State> s) : state(std::move(s)) { ++state->connections; }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat() { --state->connections; }
    std::shared_ptr<State> state;
  };

  /// A handshake under way.
  struct Shaking {
    Shaking(State& s, Wire& w)
        : state(s),
          wire(w),
          since(SystemClock{}.mono()),
          at(state.shaking.insert(state.shaking.end(), this)) {}
    Shaking(const Shaking&) = delete;
    Shaking& operator=(const Shaking&) = delete;
    ~Shaking() { state.shaking.erase(at); }
    State& state;
    Wire& wire;
    MonoTime since;
    std::list<Shaking*>::iterator at;
  };

  /// Whether nobody more can be taken now.
  bool full() const {
    return connections >= limits.connections || shaking.size() >= limits.handshakes;
  }

  /// Ends one handshake that dawdles, for its place is free in a moment: the oldest of those that
  /// have not said a word, and only when there is none the oldest of all, which may be a kiosk on a
  /// bad line.
  void make_room() const {
    if (shaking.size() < limits.handshakes) return;
    const auto now = SystemClock{}.mono();
    Wire* oldest = nullptr;
    for (auto* each : shaking) {
      if (now - each->since < unhurried) break;
      if (!each->wire.tls().next_layer().is_open()) continue;
      if (!each->wire.tls().greeted()) return each->wire.cut();
      if (oldest == nullptr) oldest = &each->wire;
    }
    if (oldest != nullptr) oldest->cut();
  }

  void take(const std::shared_ptr<State>& self, tcp::socket socket) {
    auto remote = remote_of(socket);
    error_code none;
    socket.set_option(tcp::socket::send_buffer_size{unread_most}, none);
    auto stream = TlsStream::server(std::move(socket), tls);
    if (!stream) return strangers.note("connection-refused", remote, stream.error());
    auto wire = std::make_shared<Wire>(std::move(*stream), std::move(remote));
    wire->seat = std::make_shared<Seat>(self);
    wires.push_back(*wire);
    spawn(executor, "agent-connection", converse(self, std::move(wire)));
  }

  /// From handshake to end. While a link is served, this frame is all that is left of the rest.
  static Task<void> converse(std::shared_ptr<State> self, std::shared_ptr<Wire> wire) {
    auto link = co_await greet(self, std::move(wire));
    if (link == nullptr || self->stopped) co_return;
    co_await self->host.serve(std::move(link));
  }

  /// A link when one was asked for and allowed; else everything is answered and ended.
  static Task<std::unique_ptr<Link>> greet(std::shared_ptr<State> self,
                                           std::shared_ptr<Wire> wire) {
    auto shaken = co_await handshake(self, wire);
    if (!shaken) {
      self->strangers.note("connection-refused", wire->remote, shaken.error());
      wire->cut();
      co_return nullptr;
    }
    wire->peer = wire->tls().peer();
    wire->tls().forget_handshake();
    const auto refusal = self->host.admit(wire->peer);
    const bool known = !wire->peer.present || wire->peer.chain_ok;
    if (!known) {
      const Error foreign{Errc::refused, "TLS: resumed, but signed by another CA"};
      self->strangers.note("connection-refused", wire->remote, foreign);
      wire->cut();
      co_return nullptr;
    }
    if (refusal) {
      const Error said{Errc::refused, refusal->code + ": " + refusal->detail};
      self->strangers.note("connection-refused", wire->remote, said);
      co_await turn_away(self, wire, *refusal);
      co_return nullptr;
    }
    const bool upgrade = co_await answer_requests(self, wire);
    if (!upgrade) co_return nullptr;
    wire->opened(server_write_buffer);
    co_return link_on(std::move(wire));
  }

  static Task<Result<void>> handshake(std::shared_ptr<State> self, std::shared_ptr<Wire> wire) {
    const Shaking counted{*self, *wire};
    auto shaken = co_await shake_hands(wire->tls(), self->limits.handshake);
    // The alert that says why is lost if the client's request is still unread when we close.
    const bool theirs = !shaken && wire->tls().next_layer().is_open();
    if (theirs) co_await linger(wire->tls());
    co_return shaken;
  }

  /// Says why before it closes: a kiosk that was revoked should stop and alarm, not dial for ever.
  static Task<void> turn_away(std::shared_ptr<State> self, std::shared_ptr<Wire> wire,
                              Refusal why) {
    TlsBytes stream{wire->tls()};
    const RequestLimits limits = self->request_limits();
    std::string nothing;
    const auto in = co_await read_request(stream, std::move(nothing), limits);
    if (in.ended) co_return;
    const auto answer = problem(why);
    const auto ec = co_await write_response(stream, in.request, answer, false);
    if (!ec) co_await linger(wire->tls());
  }

  /// True: the connection is a WebSocket now. False: it is over.
  static Task<bool> answer_requests(std::shared_ptr<State> self, std::shared_ptr<Wire> wire) {
    TlsBytes stream{wire->tls()};
    RequestLimits limits = self->request_limits();
    limits.by_head = [self, wire](HttpRequest head) {
      return self->host.allow(std::move(head), wire->peer);
    };
    std::string excess;
    const bool may_link = wire->peer.present && !wire->peer.expired;
    for (;;) {
      auto in = co_await read_request(stream, std::move(excess), limits);
      if (in.ended) break;
      if (in.refused != 0) {
        const auto refusal = problem(in.refused, in.why);
        const auto ec = co_await write_response(stream, in.request, refusal, false);
        if (!ec) co_await linger(wire->tls());
        break;
      }
      if (in.instead) {
        const auto ec = co_await write_response(stream, in.request, *in.instead, false);
        if (!ec) co_await linger(wire->tls());
        break;
      }
      // Bytes after an upgrade request are no frames yet: a client waits for our answer.
      if (may_link && in.excess.empty() && wants_link(in.request)) {
        co_return co_await accept_link(self, wire, std::move(in.request));
      }
      in.request.remote = wire->remote;
      const HttpRequest asked{in.request.method, {}, {}, {}, {}};
      const auto response = co_await self->host.answer(std::move(in.request), wire->peer);
      // Without a certificate in order there is one thing to ask, and then to make room.
      const bool more = in.keep_alive && !self->stopped && may_link;
      const auto ec = co_await write_response(stream, asked, response, more);
      if (ec) break;
      if (!more) {
        co_await linger(wire->tls());
        break;
      }
      excess = std::move(in.excess);
    }
    wire->cut();
    co_return false;
  }

  static Task<bool> accept_link(std::shared_ptr<State> self, std::shared_ptr<Wire> wire,
                                HttpRequest request) {
    const auto message = as_beast(request);
    const CutAfter cut{wire->tls().next_layer(), self->limits.request};
    wire->socket().set_option(websocket::stream_base::decorator(&answer_protocol));
    auto [ec] = co_await wire->socket().async_accept(message, as_result);
    if (ec) wire->cut();
    co_return !ec;
  }

  RequestLimits request_limits() const {
    return RequestLimits{http_header_limit, body_limit, limits.request, limits.request};
  }
};

Listener::Listener(asio::any_io_executor executor, std::shared_ptr<const ServerTls> tls, Host& host,
                   ListenerLimits limits)
    : state_(std::make_shared<State>(std::move(executor), std::move(tls), host, limits)) {}

Listener::~Listener() { stop(); }

Result<Endpoint> Listener::listen(const Endpoint& at) {
  auto acceptor = open_acceptor(state_->executor, at);
  if (!acceptor) return std::move(acceptor).error();
  auto where = address_of(*acceptor);
  state_->acceptor = std::make_shared<tcp::acceptor>(std::move(*acceptor));
  auto full = [state = state_] {
    if (!state->full()) return false;
    state->make_room();
    return true;
  };
  auto take = [state = state_](tcp::socket socket) { state->take(state, std::move(socket)); };
  spawn(state_->executor, "agent-accept",
        accept_each(state_->acceptor, std::move(full), std::move(take)));
  return where;
}

void Listener::use(std::shared_ptr<const ServerTls> tls) { state_->tls = std::move(tls); }

void Listener::stop_accepting() {
  error_code ec;
  if (state_->acceptor) state_->acceptor->close(ec);
}

void Listener::stop() {
  state_->stopped = true;
  stop_accepting();
  for (auto& wire : state_->wires) wire.cut();
}

std::size_t Listener::connections() const { return state_->connections; }

std::size_t Listener::handshakes() const { return state_->shaking.size(); }

}  // namespace kw::link
