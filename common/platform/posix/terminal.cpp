#include "common/platform/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace kw::platform {
namespace {

class TtyKeyboard final : public Keyboard {
 public:
  explicit TtyKeyboard(const termios& before) : before_(before) {
    termios quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }
  ~TtyKeyboard() override { tcsetattr(STDIN_FILENO, TCSANOW, &before_); }

  std::optional<char> key() override {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    char pressed = 0;
    if (poll(&input, 1, 0) != 1 || read(STDIN_FILENO, &pressed, 1) != 1) return std::nullopt;
    return pressed;
  }

 private:
  termios before_;
};

}  // namespace

std::optional<TerminalSize> output_terminal() {
  if (isatty(STDOUT_FILENO) != 1) return std::nullopt;
  TerminalSize out;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    out.columns = size.ws_col;
    out.rows = size.ws_row;
  }
  return out;
}

std::unique_ptr<Keyboard> Keyboard::take() {
  termios before{};
  if (isatty(STDIN_FILENO) != 1 || tcgetattr(STDIN_FILENO, &before) != 0) return nullptr;
  return std::make_unique<TtyKeyboard>(before);
}

}  // namespace kw::platform
