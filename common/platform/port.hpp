#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::platform {

/// A byte pipe to one device with a deadline on every call. One thread at a time uses it; only
/// `cancel` may come from another. Implementations never use Asio (it cannot time out synchronous
/// serial I/O).
class Port {
 public:
  virtual ~Port() = default;

  /// Writes all bytes, or fails: timeout, disconnected.
  virtual Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) = 0;

  /// Waits for at least one byte and returns how many were placed into `into`: timeout,
  /// disconnected.
  virtual Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) = 0;

  /// Throws away what has arrived and was not read: a late answer must not be taken for the next.
  virtual void discard() = 0;

  /// Makes a running or the next call fail at once with Errc::disconnected. Any thread.
  virtual void cancel() noexcept = 0;

  /// The time that deadlines are measured in.
  virtual MonoTime now() const = 0;
};

/// A serial device and how it is spoken to.
struct SerialLine {
  enum class Parity { none, even, odd };
  enum class Flow { none, rtscts, xonxoff };

  std::string device;  ///< "/dev/ttyS0", "COM3"
  unsigned baud = 9'600;
  unsigned data_bits = 8;
  unsigned stop_bits = 1;
  Parity parity = Parity::none;
  Flow flow = Flow::none;
};

/// Opens it for us alone. Errc::missing: no such device; Errc::busy: somebody else holds it;
/// Errc::unsupported: it is no serial port or cannot do this. `clock` outlives the port.
Result<std::unique_ptr<Port>> open_serial(const SerialLine& line, const Clock& clock);

/// Connects, the lookup of the name included until `deadline` at most. Errc::missing: no such name;
/// Errc::refused: nobody listens; Errc::timeout.
/// `clock` outlives the port.
Result<std::unique_ptr<Port>> open_tcp(const std::string& host, std::uint16_t number,
                                       const Clock& clock, MonoTime deadline);

}  // namespace kw::platform
