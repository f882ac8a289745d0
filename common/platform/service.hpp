#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.hpp"

namespace kw::platform {

/// Tells the service manager that started this process how it is. Without one every call does
/// nothing; one that does not listen is logged and costs nothing else. Any thread.
///
/// POSIX: systemd's notify protocol (sd_notify(3)), a datagram to the socket that NOTIFY_SOCKET
/// names. Ours, since libsystemd would stay in every kiosk's memory for this one datagram.
class ServiceNotifier {
 public:
  /// The manager of this process, from its environment.
  static ServiceNotifier of_this_process();

  /// `socket`: as in NOTIFY_SOCKET, '@' first for an abstract name; empty: nobody listens.
  ServiceNotifier(std::string socket, std::optional<Duration> watchdog)
      : socket_(std::move(socket)), watchdog_(watchdog) {}

  /// How long the manager waits for the next `alive` before it takes the service for hung; nothing:
  /// it does not watch.
  std::optional<Duration> watchdog() const { return watchdog_; }

  /// Everything stands: who waits for this service may go on. `status`: one line for people.
  void ready(std::string_view status) const;
  /// What the service does now, one line for people.
  void status(std::string_view status) const;
  /// There was progress since the last call.
  void alive() const;
  /// The service is ending on purpose.
  void stopping() const;

 private:
  void send(const std::string& message) const;

  std::string socket_;
  std::optional<Duration> watchdog_;
};

}  // namespace kw::platform
