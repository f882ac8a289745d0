#include "common/platform/posix/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace kw::platform {

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int Descriptor::release() { return std::exchange(fd_, -1); }

Error port_error(int number, std::string where) {
  Errc code = Errc::disconnected;
  switch (number) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      code = Errc::missing;
      break;
    case EBUSY:
    case EWOULDBLOCK:
    case EADDRINUSE:
      code = Errc::busy;
      break;
    case ECONNREFUSED:
    case EACCES:
    case EPERM:
      code = Errc::refused;
      break;
    case ETIMEDOUT:
      code = Errc::timeout;
      break;
    case ENOTTY:
    case EINVAL:
      code = Errc::unsupported;
      break;
    default:
      break;
  }
  return Error{code, std::move(where) + ": " + std::strerror(number)};
}

int poll_wait(MonoTime now, MonoTime deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

DescriptorPort::DescriptorPort(Descriptor fd, std::string name, const Clock& clock)
    : fd_(std::move(fd)),
      cancelled_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      name_(std::move(name)),
      clock_(clock) {}

Result<void> DescriptorPort::wait(short events, MonoTime deadline) const {
  for (;;) {
    std::array<pollfd, 2> fds{{{fd_.get(), events, 0}, {cancelled_.get(), POLLIN, 0}}};
    const int ready = ::poll(fds.data(), fds.size(), poll_wait(now(), deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return port_error(errno, name_);
    if (fds[1].revents != 0) return Error{Errc::disconnected, name_ + ": cancelled"};
    if (ready == 0) return Error{Errc::timeout, name_ + ": nothing within the deadline"};
    return {};  // also on hang-up: the read or write that follows says what happened
  }
}

Result<void> DescriptorPort::wait_readable(MonoTime deadline) const {
  return wait(POLLIN, deadline);
}

Result<void> DescriptorPort::write(std::span<const std::uint8_t> bytes, MonoTime deadline) {
  // A request nearly always fits: the port is waited for only when it does not. What was cancelled
  // fails before anything is sent.
  if (cancel_called_) return Error{Errc::disconnected, name_ + ": cancelled"};
  while (!bytes.empty()) {
    const auto taken = put(bytes);
    if (taken < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) {
        auto ready = wait(POLLOUT, deadline);
        if (!ready) return ready;
        continue;
      }
      return Error{Errc::disconnected, port_error(errno, name_).text()};
    }
    bytes = bytes.subspan(static_cast<std::size_t>(taken));
  }
  return {};
}

Result<std::size_t> DescriptorPort::read(std::span<std::uint8_t> into, MonoTime deadline) {
  for (;;) {
    auto ready = wait(POLLIN, deadline);
    if (!ready) return std::move(ready).error();
    const auto got = ::read(fd_.get(), into.data(), into.size());
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return Error{Errc::disconnected, name_ + ": the other end closed"};
    if (errno != EAGAIN && errno != EINTR) {
      return Error{Errc::disconnected, port_error(errno, name_).text()};
    }
  }
}

void DescriptorPort::discard() {
  std::array<std::uint8_t, 256> scrap{};
  // Bounded: a device that talks without end must not hold us here.
  for (int i = 0; i < 64; ++i) {
    if (::read(fd_.get(), scrap.data(), scrap.size()) <= 0) return;
  }
}

void DescriptorPort::cancel() noexcept {
  cancel_called_ = true;
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then it is readable already.
  [[maybe_unused]] const auto written = ::write(cancelled_.get(), &one, sizeof one);
}

}  // namespace kw::platform
