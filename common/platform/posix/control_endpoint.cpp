#include "common/platform/control_endpoint.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace kw::platform {
namespace {

constexpr int backlog = 8;

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un out{};
  out.sun_family = AF_UNIX;
  const auto text = path.string();
  if (text.size() >= sizeof out.sun_path) {
    return Error{Errc::invalid, "path of the control socket is too long: " + text};
  }
  std::memcpy(out.sun_path, text.data(), text.size());
  return out;
}

Error failed(const char* what, const std::filesystem::path& path) {
  const int why = errno;
  const auto text = std::string{what} + " " + path.string() + ": " + std::strerror(why);
  if (why == ENOENT || why == ECONNREFUSED || why == ENOTDIR) return {Errc::missing, text};
  if (why == EACCES || why == EPERM) return {Errc::refused, text};
  return {Errc::disconnected, text};
}

const sockaddr* plain(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

Result<int> listen_control(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return failed("cannot make socket", path);
  unlink(path.c_str());
  // 0600 from the first moment on: the file is made by bind().
  const mode_t before = umask(0177);
  const int bound = bind(fd, plain(*address), sizeof *address);
  const int why = errno;
  umask(before);
  errno = why;
  if (bound != 0 || listen(fd, backlog) != 0) {
    auto error = failed("cannot listen on", path);
    close(fd);
    return error;
  }
  return fd;
}

Result<int> connect_control(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed("cannot make socket", path);
  if (connect(fd, plain(*address), sizeof *address) != 0) {
    auto error = failed("cannot connect to", path);
    close(fd);
    return error;
  }
  return fd;
}

bool control_peer_allowed(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

}  // namespace kw::platform
