#include "common/platform/terminal.hpp"

#include <conio.h>
#include <windows.h>

namespace kw::platform {
namespace {

/// The C library gives each key at once and does not show it.
class ConsoleKeyboard final : public Keyboard {
 public:
  std::optional<char> key() override {
    if (_kbhit() == 0) return std::nullopt;
    return static_cast<char>(_getch());
  }
};

}  // namespace

std::optional<TerminalSize> output_terminal() {
  const auto console = GetStdHandle(STD_OUTPUT_HANDLE);
  DWORD mode = 0;
  if (GetConsoleMode(console, &mode) == FALSE) return std::nullopt;
  SetConsoleMode(console, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
  SetConsoleOutputCP(CP_UTF8);
  TerminalSize out;
  CONSOLE_SCREEN_BUFFER_INFO facts{};
  if (GetConsoleScreenBufferInfo(console, &facts) != FALSE) {
    out.columns = static_cast<std::size_t>(facts.srWindow.Right - facts.srWindow.Left + 1);
    out.rows = static_cast<std::size_t>(facts.srWindow.Bottom - facts.srWindow.Top + 1);
  }
  return out;
}

std::unique_ptr<Keyboard> Keyboard::take() {
  DWORD mode = 0;
  if (GetConsoleMode(GetStdHandle(STD_INPUT_HANDLE), &mode) == FALSE) return nullptr;
  return std::make_unique<ConsoleKeyboard>();
}

}  // namespace kw::platform
