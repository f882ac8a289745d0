#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::drivers {

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

}  // namespace kw::drivers
