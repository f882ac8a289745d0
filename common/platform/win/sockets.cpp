#include "common/platform/sockets.hpp"

#include <winsock2.h>
#include <ws2tcpip.h>

namespace kw::platform {
namespace {

#ifndef TCP_MAXRT
constexpr int TCP_MAXRT = 5;
#endif

void set(SocketHandle socket, int option, DWORD value) {
  setsockopt(socket, IPPROTO_TCP, option, reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

void tune_tcp(SocketHandle socket) {
  set(socket, TCP_NODELAY, 1);
  set(socket, TCP_MAXRT, 60);  // seconds
}

int last_socket_error() { return WSAGetLastError(); }
void forget_socket_error() { WSASetLastError(0); }

}  // namespace kw::platform
