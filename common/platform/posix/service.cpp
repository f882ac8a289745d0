#include "common/platform/service.hpp"

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.hpp"

namespace kw::platform {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string{} : value;
}

std::optional<long long> number(const std::string& text) {
  long long out = 0;
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return out;
}

std::optional<Duration> watchdog_of_environment() {
  const auto interval = number(variable("WATCHDOG_USEC"));
  if (!interval || *interval <= 0) return std::nullopt;
  // Inherited from a service that started us: its watchdog, not ours.
  const auto pid = variable("WATCHDOG_PID");
  if (!pid.empty() && number(pid) != getpid()) return std::nullopt;
  return Duration{*interval};
}

/// A line of its own: what follows a line feed would be taken for another assignment.
std::string one_line(std::string_view text) { return std::string{text.substr(0, text.find('\n'))}; }

}  // namespace

ServiceNotifier ServiceNotifier::of_this_process() {
  return {variable("NOTIFY_SOCKET"), watchdog_of_environment()};
}

void ServiceNotifier::send(const std::string& message) const {
  if (socket_.empty()) return;
  const auto failed = [](const char* why) {
    log::warning("service-manager-not-told", {{"reason", why}});
  };
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (socket_.size() >= sizeof to.sun_path) return failed("NOTIFY_SOCKET is too long");
  std::memcpy(to.sun_path, socket_.data(), socket_.size());
  const bool abstract = socket_.front() == '@';
  if (abstract) to.sun_path[0] = '\0';
  const auto length = offsetof(sockaddr_un, sun_path) + socket_.size() + (abstract ? 0 : 1);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return failed(std::strerror(errno));
  const auto sent = sendto(fd, message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                           reinterpret_cast<const sockaddr*>(&to), static_cast<socklen_t>(length));
  const int why = errno;
  close(fd);
  if (sent < 0) failed(std::strerror(why));
}

void ServiceNotifier::ready(std::string_view status) const {
  send("READY=1\nSTATUS=" + one_line(status));
}
void ServiceNotifier::status(std::string_view status) const { send("STATUS=" + one_line(status)); }
void ServiceNotifier::alive() const { send("WATCHDOG=1"); }
void ServiceNotifier::stopping() const { send("STOPPING=1"); }

}  // namespace kw::platform
