#include "common/link/text_socket.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/beast/core/flat_static_buffer.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "common/link/text_accept.hpp"
#include "common/link/upgrade.hpp"

namespace kw::link {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;

constexpr Duration close_limit = std::chrono::seconds{2};
constexpr Duration send_limit = std::chrono::seconds{30};

class BrowserSocket final : public TextSocket {
 public:
  BrowserSocket(tcp::socket socket, std::string remote, Duration idle)
      : ws_(std::move(socket)), remote_(std::move(remote)) {
    const websocket::stream_base::timeout limits{
        .handshake_timeout = websocket::stream_base::none(),
        .idle_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(idle),
        .keep_alive_pings = true};
    ws_.set_option(limits);
    ws_.read_message_max(text_limit);
    ws_.auto_fragment(false);
    ws_.text(true);
  }

  /// Answers the request that asked for this socket.
  Task<bool> accept(const HttpRequest& request, Duration limit) {
    const auto message = as_beast(request);
    const CutAfter cut_after{ws_.next_layer(), limit};
    auto [ec] = co_await ws_.async_accept(message, as_result);
    co_return !ec;
  }

  Task<Result<std::string>> receive() override {
    incoming_.clear();
    auto [ec, n] = co_await ws_.async_read(incoming_, as_result);
    if (ec) co_return ending(ec);
    co_return std::string{static_cast<const char*>(incoming_.data().data()), n};
  }

  Task<Result<void>> send(std::shared_ptr<const std::string> message) override {
    const CutAfter cut_after{ws_.next_layer(), send_limit};
    auto [ec, n] = co_await ws_.async_write(asio::buffer(*message), as_result);
    if (ec) co_return ending(ec);
    co_return Result<void>{};
  }

  Task<void> close(std::uint16_t code, std::string reason) override {
    const CutAfter cut_after{ws_.next_layer(), close_limit};
    websocket::close_reason why;
    why.code = code;
    why.reason.assign(reason.data(), std::min<std::size_t>(reason.size(), 123));
    co_await ws_.async_close(why, as_result);
    cut();
  }

  void cut() override {
    error_code ec;
    ws_.next_layer().close(ec);
  }

  const std::string& remote() const override { return remote_; }

 private:
  static Error ending(error_code ec) {
    if (ec == websocket::error::closed) {
      return Error{Errc::disconnected, "WebSocket: closed by the other end"};
    }
    if (ec == beast::error::timeout) {
      return Error{Errc::timeout, "WebSocket: the other end is silent"};
    }
    if (ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor) {
      return Error{Errc::disconnected, "WebSocket: closed"};
    }
    return error_of(ec, "WebSocket");
  }

  websocket::stream<tcp::socket, false> ws_;
  beast::flat_static_buffer<text_limit> incoming_;
  std::string remote_;
};

}  // namespace

bool wants_websocket(const HttpRequest& request) {
  return request.headers.contains("upgrade") && websocket::is_upgrade(as_beast(request));
}

Task<std::shared_ptr<TextSocket>> accept_text(tcp::socket socket, HttpRequest request,
                                              Duration limit, Duration idle) {
  auto remote = remote_of(socket);
  const auto browser = std::make_shared<BrowserSocket>(std::move(socket), std::move(remote), idle);
  const bool accepted = co_await browser->accept(request, limit);
  if (!accepted) co_return nullptr;
  co_return browser;
}

}  // namespace kw::link
