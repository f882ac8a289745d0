#pragma once

namespace kw::platform {

#ifdef _WIN32
using SocketHandle = unsigned long long;
#else
using SocketHandle = int;
#endif

/// Options of every TCP connection of ours: no Nagle delay, and a peer that acknowledges nothing
/// for 60 s is gone. Best effort: a system that knows an option not keeps its default.
void tune_tcp(SocketHandle socket);

/// The number of this thread's last failed socket call, as in boost::system::system_category; 0
/// after `forget_socket_error` when none has failed since.
int last_socket_error();
void forget_socket_error();

}  // namespace kw::platform
