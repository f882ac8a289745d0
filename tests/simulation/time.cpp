#include "tests/simulation/time.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <sys/timerfd.h>

namespace kw::simulation {
namespace {

/// What the stand-ins below need to know; there is one simulation at a time.
struct Source {
  std::chrono::steady_clock::time_point now{std::chrono::hours{24}};
  std::optional<std::chrono::steady_clock::time_point> timer;  ///< Asio's earliest
  int descriptor = -1;
};

Source& source() {
  static Source one;
  return one;
}

constexpr int rounds_at_rest = 200'000;

}  // namespace
}  // namespace kw::simulation

// What the linker's --wrap puts in place of the two, and the way to the real one.
extern "C" int really_set_timer(int fd, int flags, const itimerspec* to,
                                itimerspec* before) __asm__("__real_timerfd_settime");
std::chrono::steady_clock::time_point simulated_now() __asm__(
    "__wrap__ZNSt6chrono3_V212steady_clock3nowEv");
extern "C" int note_timer(int fd, int flags, const itimerspec* to,
                          itimerspec* before) __asm__("__wrap_timerfd_settime");

std::chrono::steady_clock::time_point simulated_now() { return kw::simulation::source().now; }

/// Asio arms its one timer: noted, and let through only when it is due at once.
int note_timer(int fd, int flags, const itimerspec* to, itimerspec* before) {
  auto& source = kw::simulation::source();
  source.descriptor = fd;
  source.timer.reset();
  if ((flags & TFD_TIMER_ABSTIME) != 0) return really_set_timer(fd, flags, to, before);
  source.timer = source.now + std::chrono::seconds{to->it_value.tv_sec} +
                 std::chrono::nanoseconds{to->it_value.tv_nsec};
  return 0;
}

namespace kw::simulation {
namespace {

/// Makes Asio look at its timers now.
void ring(Source& source) {
  source.timer.reset();
  itimerspec at_once{};
  at_once.it_value.tv_nsec = 1;
  really_set_timer(source.descriptor, TFD_TIMER_ABSTIME, &at_once, nullptr);
}

Duration from(std::chrono::steady_clock::time_point t, std::chrono::steady_clock::time_point now) {
  return std::chrono::ceil<Duration>(t - now);
}

}  // namespace

Time::Time() {
  source().timer.reset();
  source().descriptor = -1;
}

Time::~Time() {
  // What still waits goes first, and what that does on its way goes nowhere.
  std::exchange(events_, {}).clear();
  guard_.reset();
  io_.reset();
}

void Time::at(Duration when, std::function<void()> what) {
  events_.emplace(std::max(when, now_), std::move(what));
}

bool Time::settle() {
  for (int round = 0; round < rounds_at_rest; ++round) {
    const bool handled = io_->poll() > 0;
    const bool worked = other_.work && other_.work();
    if (!handled && !worked) return true;
  }
  return false;
}

bool Time::run_until(Duration until, const std::function<bool()>& enough) {
  for (;;) {
    if (!settle()) return false;
    if (enough && enough()) return true;
    Duration next = until;
    if (!events_.empty()) next = std::min(next, events_.begin()->first);
    if (source().timer) next = std::min(next, now_ + from(*source().timer, source().now));
    if (other_.due) next = std::min(next, other_.due());
    next = std::max(next, now_);
    const bool reached = next >= until;
    source().now += next - now_;
    now_ = next;
    bool any = false;
    if (source().timer && *source().timer <= source().now) {
      ring(source());
      any = true;
    }
    if (!events_.empty() && events_.begin()->first <= now_) {
      auto event = events_.extract(events_.begin());
      event.mapped()();
      any = true;
    }
    if (reached && !any) return settle();
  }
}

}  // namespace kw::simulation
