#pragma once

#include <cstddef>
#include <memory>
#include <optional>

namespace kw::platform {

struct TerminalSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

/// The terminal that standard output goes to; nothing when it goes elsewhere. On Windows asking
/// also makes the console understand escape sequences and UTF-8.
std::optional<TerminalSize> output_terminal();

/// A keyboard that gives each key at once and does not show it, as long as this lives; as before
/// afterwards. The system's keys for interrupting still work.
class Keyboard {
 public:
  /// Null when standard input is no terminal.
  static std::unique_ptr<Keyboard> take();
  Keyboard(const Keyboard&) = delete;
  Keyboard& operator=(const Keyboard&) = delete;
  virtual ~Keyboard() = default;
  /// A key that was pressed, if any. Never waits.
  virtual std::optional<char> key() = 0;

 protected:
  Keyboard() = default;
};

}  // namespace kw::platform
