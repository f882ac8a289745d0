#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "drivers/id_reader/sdt/frame.hpp"
#include "drivers/ports/usb.hpp"

namespace kw::drivers::sdt {

/// The four endpoints of a native USB module as the byte stream of a serial one (section 1.4):
/// header to 02 and from 81, the rest of a frame to 06 and from 85.
class FourPipes final : public Port {
 public:
  /// Whether the port is on a function with these endpoints.
  static bool fits(const UsbPort& port);

  /// `port` outlives it.
  explicit FourPipes(UsbPort& port) : port_(port) {}

  /// A whole frame.
  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override;
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override;
  void discard() override;
  void cancel() noexcept override { port_.cancel(); }
  MonoTime now() const override { return port_.now(); }

 private:
  void look_at(std::span<const std::uint8_t> header_bytes);

  UsbPort& port_;
  std::array<std::uint8_t, header_size> header_{};
  std::size_t header_filled_ = 0;
  std::size_t body_left_ = 0;  ///< of the frame whose header came
};

}  // namespace kw::drivers::sdt
