#include "common/platform/sockets.hpp"

#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace kw::platform {

void tune_tcp(SocketHandle socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const unsigned int milliseconds = 60'000;
  setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

int last_socket_error() { return errno; }
void forget_socket_error() { errno = 0; }

}  // namespace kw::platform
