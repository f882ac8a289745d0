#pragma once

#include <optional>

namespace kw::platform {

/// What a serial port knows without a byte being sent. `open_serial` returns a Port that is one of
/// these too.
class ModemLines {
 public:
  virtual ~ModemLines() = default;

  /// Whether the device says by the line DSR that it is there and on. Nothing: this port has no
  /// such line (a pseudo-terminal has none).
  virtual std::optional<bool> data_set_ready() const = 0;
};

}  // namespace kw::platform
