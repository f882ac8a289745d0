#pragma once

#include <memory>

#include "drivers/port.hpp"

namespace kw::drivers {

/// The port of a Modbus device: a byte port that knows how the frames on it are told apart, because
/// the same bytes mean something else on a serial line and in a TCP connection.
class ModbusPort final : public Port {
 public:
  /// tcp: MBAP header (Modbus Messaging on TCP/IP 1.0b, section 3.1). rtu: unit, PDU and CRC16 with
  /// silence between frames (Modbus over Serial Line 1.02, section 2.5.1).
  enum class Framing { tcp, rtu };

  /// `silence`: how long an RTU line must have been quiet before a frame; unused for tcp.
  ModbusPort(std::unique_ptr<Port> wire, Framing framing, Duration silence);

  /// What 3.5 characters of 11 bits take at `baud`, and never less than 1.75 ms (serial line
  /// specification, section 2.5.1.1).
  static Duration silence_at(unsigned baud);

  Framing framing() const { return framing_; }
  Duration silence() const { return silence_; }

  Result<void> write(std::span<const std::uint8_t> bytes, MonoTime deadline) override;
  Result<std::size_t> read(std::span<std::uint8_t> into, MonoTime deadline) override;
  void discard() override;
  void cancel() noexcept override;
  MonoTime now() const override;

 private:
  std::unique_ptr<Port> wire_;
  Framing framing_;
  Duration silence_;
};

}  // namespace kw::drivers
