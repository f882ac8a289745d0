#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "drivers/simulators/player.hpp"

namespace kw::devices {

/// The device's end of a wire. One thread uses it, with poll(2) on `descriptor`.
class Line {
 public:
  virtual ~Line() = default;

  /// As a driver's configuration names it: "tcp://127.0.0.1:9100", "serial:/path/of/link".
  virtual std::string address() const = 0;

  /// What to wait on for input.
  virtual int descriptor() const = 0;

  enum class Event { nothing, met, bytes, left };

  /// Called when the descriptor is readable; `into` is filled for Event::bytes.
  virtual Event take(Bytes& into) = 0;

  /// Sends what the other end takes at once; the rest is lost, as on a real wire.
  virtual void send(const Bytes& bytes) = 0;

  /// Puts the wire in, or pulls it out: whoever speaks is cut off, nobody gets through, and
  /// `descriptor` may be -1. A line that cannot be pulled out does nothing; it hears, and whoever
  /// plays it does not answer.
  virtual Result<void> plug(bool /*in*/) { return {}; }
};

/// "tcp://HOST:PORT" (port 0: any free one; one client at a time, the next waits, as with a real
/// printer; "ipp://HOST:PORT/PATH", "modbus+tcp://HOST:PORT", "modbus+rtu://HOST:PORT" and
/// "nut://HOST:PORT" are the same by the names that their drivers know), "snmp://HOST:PORT" (UDP:
/// anybody's datagrams, each answered to who sent it) or "pty:/path/of/link"
/// ("modbus+rtu:/path/of/link": a pseudo-terminal with a symbolic link to it).
Result<std::unique_ptr<Line>> open_line(std::string_view port);

}  // namespace kw::devices
