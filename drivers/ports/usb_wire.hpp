#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "drivers/ports/usb.hpp"
#include "drivers/ports/usb_library.hpp"

namespace kw::drivers::usb {

/// A string descriptor (USB 2.0, 9.6.7) as UTF-8 without control characters; empty when it is none.
std::string text_of(std::span<const std::uint8_t> descriptor);

/// An opened device and its transfers: one at a time, each with a deadline, by one thread; only
/// `cancel` may come from another.
class Wire {
 public:
  Wire(Context context, std::string name, const Clock& clock)
      : context_(std::move(context)), name_(std::move(name)), clock_(clock) {}
  ~Wire();

  libusb_context* context() const { return context_.get(); }
  libusb_device_handle* handle() const { return handle_.get(); }
  const std::string& name() const { return name_; }
  MonoTime now() const { return clock_.mono(); }

  /// Opens `device`; what was open is closed.
  Result<void> open(libusb_device* device);

  /// Moves bytes out of `bytes` (endpoint bit 7 clear) or into it, and returns how many. What has
  /// arrived when the deadline passes counts. Errors are UsbPort's.
  Result<std::size_t> transfer(UsbEndpoint::Kind kind, std::uint8_t endpoint,
                               std::span<std::uint8_t> bytes, MonoTime deadline);

  /// `setup` says which way; bytes out, or at most `most` in. Errors are UsbPort's.
  Result<std::vector<std::uint8_t>> control(const UsbSetup& setup,
                                            std::span<const std::uint8_t> bytes, std::size_t most,
                                            MonoTime deadline);

  /// The device's texts; one that it does not tell stays empty. Errors: timeout, disconnected.
  Result<UsbNames> names(MonoTime deadline);

  void cancel() noexcept;

 private:
  struct Running;

  Result<std::size_t> run(std::unique_ptr<Running>& running, MonoTime deadline);
  Result<std::size_t> outcome(const Running& running) const;
  Result<std::string> text(std::uint8_t index, std::uint16_t language, MonoTime deadline);

  Context context_;
  Handle handle_;
  std::string name_;
  const Clock& clock_;
  std::atomic<bool> cancelled_ = false;
  bool lost_ = false;  ///< a transfer never ended: nothing may be freed any more
};

}  // namespace kw::drivers::usb
