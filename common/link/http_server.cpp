#include <list>

#include "common/link/accept.hpp"
#include "common/link/http_wire.hpp"
#include "common/link/text_accept.hpp"
#include "common/link/tls_stream.hpp"
#include "common/log.hpp"

namespace kw::link {
namespace {

struct Connection {
  explicit Connection(tcp::socket s) : socket(std::move(s)) {}
  tcp::socket socket;                  ///< empty once it has become a WebSocket
  std::weak_ptr<TextSocket> upgraded;  ///< that one
};

}  // namespace

struct HttpServer::State {
  State(asio::any_io_executor e, Handler h, HttpLimits l, WebSockets s)
      : executor(std::move(e)),
        handler(std::move(h)),
        limits(std::move(l)),
        sockets(std::move(s)) {}

  asio::any_io_executor executor;
  Handler handler;
  HttpLimits limits;
  WebSockets sockets;
  std::shared_ptr<tcp::acceptor> acceptor;
  std::list<Connection> connections;
  bool stopped = false;

  /// The handler's answer; a handler that throws costs its request, not the server.
  static Task<HttpResponse> answer(std::shared_ptr<State> self, HttpRequest request) {
    try {
      co_return co_await self->handler(std::move(request));
    } catch (const std::exception& e) {
      log::error("http-handler-failed", {{"reason", e.what()}});
    }
    const HttpRequest nothing;
    co_return self->worded(500, nothing, "the request could not be answered");
  }

  HttpResponse worded(int status, const HttpRequest& request, const std::string& why) const {
    return limits.word ? limits.word(status, request, why) : problem(status, why);
  }

  /// The rest of the connection's life as a WebSocket.
  static Task<void> upgrade(std::shared_ptr<State> self, Connection& connection,
                            HttpRequest request) {
    auto browser = co_await accept_text(std::move(connection.socket), std::move(request),
                                        self->limits.request, self->limits.silence);
    if (browser == nullptr || self->stopped) co_return;
    connection.upgraded = browser;
    try {
      co_await self->sockets.serve(std::move(browser));
    } catch (const std::exception& e) {
      log::error("websocket-failed", {{"reason", e.what()}});
    }
  }

  /// Why the request may not become a WebSocket, if it may not.
  std::optional<HttpResponse> refusal(const Incoming& in) const {
    // A client waits for our answer: what follows already is no frame.
    if (!in.excess.empty()) return problem(400, "bytes after the request for a WebSocket");
    return sockets.refuse(in.request);
  }

  static Task<void> converse(std::shared_ptr<State> self, Connection& connection) {
    auto& socket = connection.socket;
    PlainBytes stream{socket};
    const auto remote = remote_of(socket);
    RequestLimits limits{http_header_limit, self->limits.body, self->limits.request,
                         self->limits.request};
    std::string excess;
    for (;;) {
      auto in = co_await read_request(stream, std::move(excess), limits);
      if (in.ended) co_return;
      if (in.refused != 0) {
        const auto refusal = self->worded(in.refused, in.request, in.why);
        const auto ec = co_await write_response(stream, in.request, refusal, false);
        if (!ec) co_await linger(socket);
        co_return;
      }
      in.request.remote = remote;
      const HttpRequest asked{in.request.method, {}, {}, {}, {}};
      const bool socket_wanted = self->sockets.serve && wants_websocket(in.request);
      auto refused = socket_wanted ? self->refusal(in) : std::nullopt;
      if (socket_wanted && !refused) {
        co_await upgrade(self, connection, std::move(in.request));
        co_return;
      }
      HttpResponse response;
      if (refused) {
        response = std::move(*refused);
      } else {
        response = co_await answer(self, std::move(in.request));
      }
      const auto said = response.headers.find("Connection");
      const bool last = said != response.headers.end() && said->second == "close";
      const bool more = in.keep_alive && !self->stopped && !socket_wanted && !last;
      const auto ec = co_await write_response(stream, asked, response, more);
      if (ec) co_return;
      if (!more) break;
      excess = std::move(in.excess);
      limits.first_byte = self->limits.idle;
    }
    co_await linger(socket);
  }

  static Task<void> serve(std::shared_ptr<State> self, std::list<Connection>::iterator at) {
    co_await converse(self, *at);
    self->connections.erase(at);
  }

  static Task<void> refuse(std::shared_ptr<State> self, tcp::socket socket) {
    PlainBytes stream{socket};
    const HttpRequest nothing;
    const auto busy = self->worded(503, nothing, "too many connections");
    const auto ec = co_await write_response(stream, nothing, busy, false);
    if (!ec) co_await linger(socket);
  }

  void take(const std::shared_ptr<State>& self, tcp::socket socket) {
    error_code ec;
    socket.set_option(tcp::no_delay{true}, ec);
    if (connections.size() >= limits.connections) {
      // The refusal is short and cut after 30 s at most; twice as many are simply dropped.
      if (refusing < limits.connections)
        spawn(executor, "http-refuse", counted(self, std::move(socket)));
      return;
    }
    connections.emplace_back(std::move(socket));
    spawn(executor, "http-connection", serve(self, std::prev(connections.end())));
  }

  static Task<void> counted(std::shared_ptr<State> self, tcp::socket socket) {
    ++self->refusing;
    co_await refuse(self, std::move(socket));
    --self->refusing;
  }

  std::size_t refusing = 0;
};

HttpServer::HttpServer(asio::any_io_executor executor, Handler handler, HttpLimits limits,
                       WebSockets sockets)
    : state_(std::make_shared<State>(std::move(executor), std::move(handler), std::move(limits),
                                     std::move(sockets))) {}

HttpServer::~HttpServer() { stop(); }

Result<Endpoint> HttpServer::listen(const Endpoint& at) {
  auto acceptor = open_acceptor(state_->executor, at);
  if (!acceptor) return std::move(acceptor).error();
  auto where = address_of(*acceptor);
  state_->acceptor = std::make_shared<tcp::acceptor>(std::move(*acceptor));
  auto never_full = [] { return false; };
  auto take = [state = state_](tcp::socket socket) { state->take(state, std::move(socket)); };
  spawn(state_->executor, "http-accept",
        accept_each(state_->acceptor, std::move(never_full), std::move(take)));
  return where;
}

void HttpServer::stop() {
  state_->stopped = true;
  error_code ec;
  if (state_->acceptor) state_->acceptor->close(ec);
  for (auto& connection : state_->connections) {
    connection.socket.close(ec);
    if (const auto browser = connection.upgraded.lock()) browser->cut();
  }
}

}  // namespace kw::link
