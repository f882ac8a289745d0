#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <winsock2.h>

#include "common/result.hpp"

namespace kw::platform {

/// Winsock works from the first call on, until the program ends.
void start_winsock();

/// Owns a socket.
class Socket {
 public:
  explicit Socket(SOCKET socket) : socket_(socket) {}
  Socket(Socket&& other) noexcept : socket_(std::exchange(other.socket_, INVALID_SOCKET)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (socket_ != INVALID_SOCKET) closesocket(socket_);
  }
  SOCKET get() const { return socket_; }
  explicit operator bool() const { return socket_ != INVALID_SOCKET; }

 private:
  SOCKET socket_;
};

/// What a Winsock error number means to a caller of a port.
Error socket_error(int number, const std::string& where);

/// Waits until the socket's `ready` event is set; what ended the wait instead, or nothing.
std::optional<Error> wait_for(HANDLE ready, HANDLE cancelled, DWORD ms, const std::string& where);

}  // namespace kw::platform
