#include "common/platform/win/socket.hpp"

#include <array>

#include "common/platform/win/handle.hpp"

namespace kw::platform {
namespace {

/// Winsock works between these two calls; it counts them.
class Winsock {
 public:
  Winsock() {
    WSADATA about{};
    WSAStartup(MAKEWORD(2, 2), &about);
  }
  Winsock(const Winsock&) = delete;
  Winsock& operator=(const Winsock&) = delete;
  ~Winsock() { WSACleanup(); }
};

}  // namespace

void start_winsock() { static const Winsock winsock; }

Error socket_error(int number, const std::string& where) {
  auto code = Errc::disconnected;
  if (number == WSAECONNREFUSED || number == WSAEACCES) code = Errc::refused;
  if (number == WSAETIMEDOUT) code = Errc::timeout;
  if (number == WSAEADDRINUSE) code = Errc::busy;
  return Error{code, where + ": " + reason_of(static_cast<DWORD>(number))};
}

std::optional<Error> wait_for(HANDLE ready, HANDLE cancelled, DWORD ms, const std::string& where) {
  // The cancellation comes first: when both are set, the first one counts.
  const std::array<HANDLE, 2> events{cancelled, ready};
  const auto woken = WaitForMultipleObjects(2, events.data(), FALSE, ms);
  if (woken == WAIT_OBJECT_0 + 1) return std::nullopt;
  if (woken == WAIT_OBJECT_0) return Error{Errc::disconnected, where + ": cancelled"};
  return Error{Errc::timeout, where + ": nothing within the deadline"};
}

}  // namespace kw::platform
