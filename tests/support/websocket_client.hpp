#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace kw::tests {

/// A WebSocket client written from RFC 6455 alone, so that it can also behave badly. Calls block;
/// none longer than its limit.
class WebSocketClient {
 public:
  using Headers = std::map<std::string, std::string>;
  static constexpr std::chrono::seconds usual{20};

  /// Connects to the loopback address and asks for a WebSocket. `receive_buffer`: of the system,
  /// bytes; 0: its own choice.
  WebSocketClient(std::uint16_t port, const std::string& target, const Headers& headers = {},
                  int receive_buffer = 0);

  /// Of the answer; 101: it is a WebSocket.
  int status() const { return status_; }
  /// The next text message. Nothing: the connection has ended, or the limit is over. Pings are
  /// answered while it waits.
  std::optional<std::string> next(std::chrono::milliseconds limit = usual);
  void say(const std::string& text) { send(1, text); }
  /// Reads and throws away, pings included; true once the other end has closed within the limit.
  bool ends_without_an_answer(std::chrono::milliseconds limit = usual);
  /// The code of the close frame that came, 0 while none did.
  int close_code() const { return close_code_; }

 private:
  void send(unsigned char opcode, const std::string& payload);
  bool fill(std::chrono::steady_clock::time_point until);
  bool need(std::size_t n, std::chrono::steady_clock::time_point until);

  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_{io_};
  std::string bytes_;
  int status_ = 0;
  int close_code_ = 0;
};

}  // namespace kw::tests
