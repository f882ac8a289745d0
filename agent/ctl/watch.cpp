// kioskctl watch: a live screen; lines one below the other where there is no terminal.
#include <algorithm>
#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>

#include "agent/ctl/commands.hpp"
#include "agent/ctl/stop_flag.hpp"
#include "agent/ctl/watch_screen.hpp"
#include "agent/ctl/words.hpp"
#include "common/platform/control_client.hpp"
#include "common/platform/terminal.hpp"
#include "common/task.hpp"

namespace kw::agent::ctl {
namespace {

namespace json = boost::json;

constexpr auto wait_step = std::chrono::milliseconds{250};
constexpr auto redraw_every = std::chrono::seconds{1};
constexpr auto redraw_rest = std::chrono::milliseconds{100};  // news in a crowd are drawn together
constexpr auto retry_every = std::chrono::seconds{1};

void put(std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  std::fflush(stdout);
}

/// The terminal's second screen, without cursor and without broken lines, as long as this lives;
/// whatever ends the program in good order gives the first one back.
class SecondScreen {
 public:
  SecondScreen() { put("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"); }
  SecondScreen(const SecondScreen&) = delete;
  SecondScreen& operator=(const SecondScreen&) = delete;
  ~SecondScreen() { put("\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"); }

  /// Only lines that differ are sent: over a slow line a whole screen takes seconds.
  void show(const std::vector<std::string>& lines, const platform::TerminalSize& size) {
    const bool resized = size.columns != size_.columns || size.rows != size_.rows;
    std::string out;
    if (resized) out += "\x1b[2J";
    if (resized) shown_.clear();
    size_ = size;
    for (std::size_t i = 0; i < std::max(lines.size(), shown_.size()); ++i) {
      const std::string& line = i < lines.size() ? lines[i] : empty_;
      if (i < shown_.size() && shown_[i] == line) continue;
      out += fmt::format("\x1b[{};1H{}\x1b[K", i + 1, line);
    }
    shown_ = lines;
    if (!out.empty()) put(out);
  }

 private:
  std::vector<std::string> shown_;
  platform::TerminalSize size_{0, 0};
  std::string empty_;
};

json::object request() {
  json::object out;
  out["count"] = 50;
  out["watch"] = true;
  return out;
}

class Watch {
 public:
  explicit Watch(const Options& options) : options_(options) {}

  int run() {
    auto first = open();
    if (!first) return not_asked(options_, first.error());
    session_ = std::move(*first);
    watch_for_stop();
    const auto keyboard = platform::Keyboard::take();
    const bool live = platform::output_terminal().has_value() && !options_.json;
    if (live) screen_ = std::make_unique<SecondScreen>();
    while (!stop_flag()) {
      hear();
      if (live) redraw();
      const auto key = keyboard ? keyboard->key() : std::nullopt;
      if (live && (key == 'q' || key == 'Q')) break;
    }
    return well;
  }

 private:
  Result<platform::ControlSession> open() const {
    return platform::ControlSession::open(options_.data, "follow", request(), wait_step);
  }

  /// Takes what has come; dials again when the agent is gone.
  void hear() {
    const auto now = clock_.mono();
    if (!session_) {
      if (now < next_try_) return rest();
      auto again = open();
      next_try_ = now + retry_every;
      if (!again) return state_.lost(again.error().text());
      session_ = std::move(*again);
    }
    auto line = session_->next();
    if (!line) {
      if (line.error().code() == Errc::timeout) return;
      session_.reset();
      return state_.lost(line.error().text());
    }
    changed_ = true;
    state_.take(*line);
    if (!screen_) tell(*line);
  }

  void tell(json::object line) const {
    line.erase("id");
    line.erase("ok");
    put(options_.json ? json::serialize(line) + "\n" : state_.plain(line, options_.view));
  }

  void redraw() {
    const auto now = clock_.mono();
    if (now < last_drawn_ + (changed_ ? Duration{redraw_rest} : Duration{redraw_every})) return;
    const auto size = platform::output_terminal();
    if (!size) return;
    changed_ = false;
    last_drawn_ = now;
    auto view = options_.view;
    view.columns = size->columns;
    view.now = clock_.wall();
    screen_->show(state_.draw(view, size->rows), *size);
  }

  /// Until it is worth to try again.
  static void rest() {
    asio::io_context io{1};
    asio::steady_timer timer{io, wait_step};
    timer.wait();
  }

  const Options& options_;
  SystemClock clock_;
  std::optional<platform::ControlSession> session_;
  WatchScreen state_;
  std::unique_ptr<SecondScreen> screen_;
  MonoTime next_try_{};
  MonoTime last_drawn_{};
  bool changed_ = true;
};

}  // namespace

int run_watch(const Options& options) {
  Watch watch{options};
  return watch.run();
}

}  // namespace kw::agent::ctl
