#pragma once

#include "common/clock.hpp"
#include "drivers/port.hpp"

namespace kw::drivers {

/// The port "-" of a driver that has no wire: it carries no bytes, which a driver that tries is
/// told plainly, and lends its clock to a driver that does its own network calls.
class NoPort final : public Port {
 public:
  /// `clock` outlives the port.
  explicit NoPort(const Clock& clock) : clock_(clock) {}

  const Clock& clock() const { return clock_; }

  /// Always unsupported.
  Result<void> write(std::span<const std::uint8_t> /*bytes*/, MonoTime /*deadline*/) override {
    return Error{Errc::unsupported, "port \"-\" carries no bytes"};
  }
  Result<std::size_t> read(std::span<std::uint8_t> /*into*/, MonoTime /*deadline*/) override {
    return Error{Errc::unsupported, "port \"-\" carries no bytes"};
  }
  void discard() override {}
  void cancel() noexcept override {}
  MonoTime now() const override { return clock_.mono(); }

 private:
  const Clock& clock_;
};

}  // namespace kw::drivers
