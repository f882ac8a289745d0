#pragma once

#include <string>
#include <utility>

#include "common/clock.hpp"
#include "drivers/port.hpp"

namespace kw::drivers {

/// The port of a driver that has no wire ("-"), or leaves it to others: it carries no bytes, which a
/// driver that tries is told plainly, and lends its clock to one that does its own network calls.
class NoPort final : public Port {
 public:
  /// `clock` outlives the port; `why` it carries nothing.
  NoPort(const Clock& clock, std::string why) : clock_(clock), why_(std::move(why)) {}

  const Clock& clock() const { return clock_; }

  /// Always unsupported.
  Result<void> write(std::span<const std::uint8_t> /*bytes*/, MonoTime /*deadline*/) override {
    return Error{Errc::unsupported, why_};
  }
  Result<std::size_t> read(std::span<std::uint8_t> /*into*/, MonoTime /*deadline*/) override {
    return Error{Errc::unsupported, why_};
  }
  void discard() override {}
  void cancel() noexcept override {}
  MonoTime now() const override { return clock_.mono(); }

 private:
  const Clock& clock_;
  std::string why_;
};

}  // namespace kw::drivers
