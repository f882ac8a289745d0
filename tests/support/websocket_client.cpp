#include "tests/support/websocket_client.hpp"

#include <array>
#include <cstdlib>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/write.hpp>

namespace kw::tests {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr unsigned char text_frame = 1;
constexpr unsigned char close_frame = 8;
constexpr unsigned char ping_frame = 9;
constexpr unsigned char pong_frame = 10;

}  // namespace

WebSocketClient::WebSocketClient(std::uint16_t port, const std::string& target,
                                 const Headers& headers, int receive_buffer) {
  socket_.open(tcp::v4());
  if (receive_buffer > 0) socket_.set_option(tcp::socket::receive_buffer_size{receive_buffer});
  socket_.connect({asio::ip::address_v4::loopback(), port});
  std::string request = "GET " + target + " HTTP/1.1\r\n";
  if (!headers.contains("Host")) request += "Host: 127.0.0.1:" + std::to_string(port) + "\r\n";
  for (const auto& [name, value] : headers) request += name + ": " + value + "\r\n";
  request +=
      "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  asio::write(socket_, asio::buffer(request));
  const auto until = std::chrono::steady_clock::now() + usual;
  while (bytes_.find("\r\n\r\n") == std::string::npos && fill(until)) {
  }
  const auto head = bytes_.find("\r\n\r\n");
  if (head == std::string::npos) return;
  status_ = std::atoi(bytes_.substr(9, 3).c_str());
  // The answer to the key above is the RFC's own example.
  const bool agreed =
      bytes_.substr(0, head).find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos;
  if (status_ == 101 && !agreed) status_ = 0;
  bytes_.erase(0, head + 4);
}

bool WebSocketClient::fill(std::chrono::steady_clock::time_point until) {
  std::array<char, 16 * 1024> chunk{};
  std::optional<std::size_t> got;
  socket_.async_read_some(asio::buffer(chunk),
                          [&](boost::system::error_code ec, std::size_t n) { got = ec ? 0 : n; });
  io_.restart();
  io_.run_until(until);
  if (!got) {
    socket_.cancel();
    io_.restart();
    io_.run();
  }
  bytes_.append(chunk.data(), got.value_or(0));
  return got.value_or(0) > 0;
}

bool WebSocketClient::need(std::size_t n, std::chrono::steady_clock::time_point until) {
  while (bytes_.size() < n) {
    if (!fill(until)) return false;
  }
  return true;
}

std::optional<std::string> WebSocketClient::next(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  for (;;) {
    if (!need(2, until)) return std::nullopt;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes_[i]); };
    const unsigned char opcode = byte(0) & 0x0f;
    std::size_t length = byte(1) & 0x7f;
    std::size_t head = 2;
    if (length >= 126) {
      head = length == 126 ? 4 : 10;
      if (!need(head, until)) return std::nullopt;
      length = 0;
      for (std::size_t i = 2; i < head; ++i) length = length * 256 + byte(i);
    }
    if (!need(head + length, until)) return std::nullopt;
    auto payload = bytes_.substr(head, length);
    bytes_.erase(0, head + length);
    if (opcode == text_frame) return payload;
    if (opcode == ping_frame) send(pong_frame, payload);
    if (opcode == close_frame) {
      if (payload.size() >= 2) {
        close_code_ =
            static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
      }
      send(close_frame, payload.substr(0, 2));
      return std::nullopt;
    }
  }
}

bool WebSocketClient::ends_without_an_answer(std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (fill(until)) bytes_.clear();
  return std::chrono::steady_clock::now() < until;
}

void WebSocketClient::send(unsigned char opcode, const std::string& payload) {
  std::string frame;
  frame += static_cast<char>(0x80 | opcode);
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size() & 0xff);
  }
  frame.append(4, '\0');  // a mask of zeros changes nothing
  frame += payload;
  boost::system::error_code none;
  asio::write(socket_, asio::buffer(frame), none);
}

}  // namespace kw::tests
