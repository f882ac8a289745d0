#pragma once

#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "common/link/tls.hpp"
#include "common/task.hpp"

namespace kw::link_test {

/// A small HTTP proxy on loopback that opens tunnels, or misbehaves as a test wants.
class ConnectProxy {
 public:
  enum class Mode {
    tunnels,
    hangs,    ///< takes the request and says nothing
    garbage,  ///< speaks another protocol
    endless,  ///< a header that never ends
    closes,   ///< takes the request and hangs up
    talks,    ///< opens the tunnel and puts bytes of its own into it
    unable,   ///< 502
    forbids,  ///< 403, with a page
  };

  explicit ConnectProxy(asio::io_context& io)
      : state_(std::make_shared<State>(io)), at(listen(state_->acceptor)) {
    spawn(io, "proxy", accept(state_));
  }
  ~ConnectProxy() {
    boost::system::error_code none;
    state_->acceptor.close(none);
  }

  void mode(Mode mode) { state_->mode = mode; }
  /// The value of Proxy-Authorization without which it answers 407.
  void demand(std::string authorization) { state_->authorization = std::move(authorization); }
  int tunnels() const { return state_->tunnels; }
  const std::string& last_request() const { return state_->request; }
  std::string url(const std::string& credentials = {}) const {
    return "http://" + credentials + at.text();
  }

 private:
  using tcp = asio::ip::tcp;
  struct State {
    explicit State(asio::io_context& io) : acceptor(io, {asio::ip::address_v4::loopback(), 0}) {}
    tcp::acceptor acceptor;
    Mode mode = Mode::tunnels;
    std::string authorization;
    std::string request;
    int tunnels = 0;
  };

  static link::Endpoint listen(const tcp::acceptor& acceptor) {
    return {"127.0.0.1", acceptor.local_endpoint().port()};
  }

  static Task<void> accept(std::shared_ptr<State> state) {
    const auto executor = co_await asio::this_coro::executor;
    for (;;) {
      auto [ec, socket] = co_await state->acceptor.async_accept(as_result);
      if (ec) co_return;
      spawn(executor, "proxy-client", serve(state, std::move(socket)));
    }
  }

  static Task<void> say(tcp::socket& socket, std::string text) {
    co_await asio::async_write(socket, asio::buffer(text), as_result);
  }

  static Task<void> serve(std::shared_ptr<State> state, tcp::socket socket) {
    std::string request;
    const auto [ec, n] = co_await asio::async_read_until(
        socket, asio::dynamic_buffer(request, 64 * 1024), "\r\n\r\n", as_result);
    if (ec) co_return;
    state->request = request;
    char byte = 0;
    const auto& wanted = state->authorization;
    const bool allowed =
        wanted.empty() || request.find("Proxy-Authorization: " + wanted + "\r\n") != request.npos;
    if (!allowed) {
      co_await say(socket,
                   "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n"
                   "Proxy-Authenticate: Basic realm=\"x\"\r\n\r\nwhat");
      co_return;
    }
    switch (state->mode) {
      case Mode::hangs:
        co_await socket.async_read_some(asio::buffer(&byte, 1), as_result);
        co_return;
      case Mode::garbage:
        co_await say(socket, "SSH-2.0-OpenSSH_9.2\r\n");
        co_await socket.async_read_some(asio::buffer(&byte, 1), as_result);
        co_return;
      case Mode::endless:
        co_await say(socket, "HTTP/1.1 200 OK\r\nX-Long: " + std::string(200'000, 'x'));
        co_return;
      case Mode::closes:
        co_return;
      case Mode::talks:
        co_await say(socket, "HTTP/1.1 200 OK\r\n\r\nwelcome to the proxy");
        co_await socket.async_read_some(asio::buffer(&byte, 1), as_result);
        co_return;
      case Mode::unable:
        co_await say(socket, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        co_return;
      case Mode::forbids:
        co_await say(socket, "HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\n<html>");
        co_return;
      case Mode::tunnels:
        co_await connect(*state, std::move(socket), request);
        co_return;
    }
  }

  static Task<void> connect(State& state, tcp::socket client, const std::string& request) {
    const auto begin = request.find(' ') + 1;
    const auto at = link::Endpoint::parse(request.substr(begin, request.find(' ', begin) - begin));
    if (!at) co_return;
    tcp::socket server{client.get_executor()};
    const tcp::endpoint to{asio::ip::make_address(at->host), at->port};
    const auto [ec] = co_await server.async_connect(to, as_result);
    if (ec) {
      co_await say(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
      co_return;
    }
    ++state.tunnels;
    co_await say(client, "HTTP/1.1 200 Connection established\r\nVia: 1.1 x\r\n\r\n");
    using asio::experimental::awaitable_operators::operator&&;
    co_await (pump(client, server) && pump(server, client));
  }

  static Task<void> pump(tcp::socket& from, tcp::socket& to) {
    std::string chunk(16 * 1024, '\0');
    boost::system::error_code none;
    for (;;) {
      const auto [ec, n] = co_await from.async_read_some(asio::buffer(chunk), as_result);
      if (ec) break;
      const auto [failed, sent] =
          co_await asio::async_write(to, asio::buffer(chunk.data(), n), as_result);
      if (failed) break;
    }
    to.shutdown(tcp::socket::shutdown_both, none);
    from.shutdown(tcp::socket::shutdown_both, none);
  }

  std::shared_ptr<State> state_;

 public:
  const link::Endpoint at;
};

}  // namespace kw::link_test
