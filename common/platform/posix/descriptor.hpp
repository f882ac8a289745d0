#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "common/platform/port.hpp"

namespace kw::platform {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();

 private:
  int fd_ = -1;
};

/// What a POSIX error number means to a caller of a port.
Error port_error(int number, std::string where);

/// How many milliseconds poll(2) may wait until `deadline`: rounded up, never negative.
int poll_wait(MonoTime now, MonoTime deadline);

/// A port over a non-blocking descriptor, waiting with poll(2).
class DescriptorPort : public Port {
 public:
  ~DescriptorPort() override = default;

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override;
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override;
  void discard() override;
  void cancel() noexcept override;
  MonoTime now() const override { return clock_.mono(); }

 protected:
  /// `name` is what errors call the port.
  DescriptorPort(Descriptor fd, std::string name, const Clock& clock);

  int fd() const { return fd_.get(); }

  /// timeout; disconnected: cancelled.
  Result<void> wait_readable(MonoTime deadline) const;

  /// As write(2): how many bytes were taken, or -1 and errno.
  virtual std::ptrdiff_t put(std::span<const std::uint8_t> bytes) = 0;

 private:
  Result<void> wait(short events, MonoTime deadline) const;

  Descriptor fd_;
  Descriptor cancelled_;  ///< an eventfd, readable for ever once `cancel` was called
  std::atomic<bool> cancel_called_ = false;
  std::string name_;
  const Clock& clock_;
};

}  // namespace kw::platform
