#include "drivers/ports/modbus.hpp"

#include <algorithm>
#include <utility>

namespace kw::drivers {

ModbusPort::ModbusPort(std::unique_ptr<Port> wire, Framing framing, Duration silence)
    : wire_(std::move(wire)), framing_(framing), silence_(silence) {}

Duration ModbusPort::silence_at(unsigned baud) {
  constexpr Duration least = std::chrono::microseconds{1750};
  const Duration characters = std::chrono::microseconds{38'500'000 / std::max(baud, 1U)};
  return std::max(least, characters);
}

Result<void> ModbusPort::write(std::span<const std::uint8_t> bytes, MonoTime deadline) {
  return wire_->write(bytes, deadline);
}

Result<std::size_t> ModbusPort::read(std::span<std::uint8_t> into, MonoTime deadline) {
  return wire_->read(into, deadline);
}

void ModbusPort::discard() { wire_->discard(); }

void ModbusPort::cancel() noexcept { wire_->cancel(); }

MonoTime ModbusPort::now() const { return wire_->now(); }

}  // namespace kw::drivers
