#include "common/platform/control_endpoint.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/platform/posix/descriptor.hpp"

namespace kw::platform {
namespace {

using Local = asio::local::stream_protocol;

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

Result<Descriptor> open_socket(const std::filesystem::path& path, int flags) {
  Descriptor fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)};
  if (!fd) return failed("cannot make socket", path);
  return fd;
}

/// Whether the process at the other end runs as the administrator or as our own user.
bool peer_allowed(int descriptor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == geteuid();
}

Error broken() {
  const int why = errno;
  if (why == EAGAIN || why == EWOULDBLOCK) return {Errc::timeout, "no answer in time"};
  return {Errc::disconnected, std::strerror(why)};
}

}  // namespace

struct ControlAcceptor::State {
  Local::acceptor acceptor;
  std::filesystem::path path;
};

ControlAcceptor::ControlAcceptor(asio::any_io_executor executor)
    : state_(new State{Local::acceptor{std::move(executor)}, {}}) {}

ControlAcceptor::~ControlAcceptor() { close(); }

Result<void> ControlAcceptor::listen(const std::filesystem::path& path) {
  const auto address = address_of(path);
  if (!address) return address.error();
  auto fd = open_socket(path, SOCK_NONBLOCK);
  if (!fd) return std::move(fd).error();
  unlink(path.c_str());
  // 0600 from the first moment on: the file is made by bind().
  const mode_t before = umask(0177);
  const int bound = bind(fd->get(), plain(*address), sizeof *address);
  const int why = errno;
  umask(before);
  errno = why;
  if (bound != 0 || ::listen(fd->get(), backlog) != 0) return failed("cannot listen on", path);
  boost::system::error_code wrong;
  state_->acceptor.assign(Local{}, fd->get(), wrong);
  if (wrong) return Error{Errc::invalid, "control socket: " + wrong.message()};
  fd->release();
  state_->path = path;
  return {};
}

Task<Result<ControlStream>> ControlAcceptor::accept() {
  auto [wrong, stream] = co_await state_->acceptor.async_accept(as_result);
  if (wrong) co_return Error{Errc::disconnected, "control socket: " + wrong.message()};
  if (!peer_allowed(stream.native_handle())) co_return Error{Errc::refused, "not for this user"};
  co_return std::move(stream);
}

bool ControlAcceptor::is_open() const { return state_->acceptor.is_open(); }

void ControlAcceptor::close() {
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  std::error_code gone;
  if (!state_->path.empty()) std::filesystem::remove(state_->path, gone);
  state_->path.clear();
}

struct ControlCall::State {
  Descriptor fd;
};

ControlCall::ControlCall(std::unique_ptr<State> state) : state_(std::move(state)) {}
ControlCall::ControlCall(ControlCall&&) noexcept = default;
ControlCall& ControlCall::operator=(ControlCall&&) noexcept = default;
ControlCall::~ControlCall() = default;

Result<ControlCall> ControlCall::connect(const std::filesystem::path& path, Duration limit) {
  const auto address = address_of(path);
  if (!address) return address.error();
  auto fd = open_socket(path, 0);
  if (!fd) return std::move(fd).error();
  if (::connect(fd->get(), plain(*address), sizeof *address) != 0) {
    return failed("cannot connect to", path);
  }
  timeval within{};
  within.tv_sec = static_cast<time_t>(limit.count() / 1'000'000);
  within.tv_usec = static_cast<suseconds_t>(limit.count() % 1'000'000);
  setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &within, sizeof within);
  setsockopt(fd->get(), SOL_SOCKET, SO_SNDTIMEO, &within, sizeof within);
  return ControlCall{std::make_unique<State>(State{std::move(*fd)})};
}

Result<void> ControlCall::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(state_->fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return broken();
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

Result<std::string> ControlCall::receive() {
  std::array<char, 4'096> block{};
  const auto got = ::recv(state_->fd.get(), block.data(), block.size(), 0);
  if (got < 0) return broken();
  return std::string{block.data(), static_cast<std::size_t>(got)};
}

}  // namespace kw::platform
