#include "tests/simulation/time.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <sys/eventfd.h>
#include <sys/timerfd.h>

namespace kw::simulation {
namespace {

/// What the stand-ins below need to know; there is one simulation at a time.
struct Source {
  std::chrono::steady_clock::time_point now{std::chrono::hours{24}};
  std::optional<std::chrono::steady_clock::time_point> timer;  ///< Asio's earliest
  int descriptor = -1;
  bool speaks = false;

  /// Makes Asio look at its timers now.
  void ring() {
    timer.reset();
    speaks = eventfd_write(descriptor, 1) == 0;
  }
  void hush() {
    eventfd_t heard = 0;
    if (std::exchange(speaks, false)) eventfd_read(descriptor, &heard);
  }
};

Source& source() {
  static Source one;
  return one;
}

constexpr int rounds_at_rest = 200'000;

}  // namespace
}  // namespace kw::simulation

// What the linker's --wrap puts in place of the three.
std::chrono::steady_clock::time_point simulated_now() __asm__(
    "__wrap__ZNSt6chrono3_V212steady_clock3nowEv");
extern "C" int make_timer(int clock, int flags) __asm__("__wrap_timerfd_create");
extern "C" int note_timer(int fd, int flags, const itimerspec* to,
                          itimerspec* before) __asm__("__wrap_timerfd_settime");

std::chrono::steady_clock::time_point simulated_now() { return kw::simulation::source().now; }

/// Asio only wants to hear from its timer: a counter can be made to speak without the system's
/// clocks, which are slow to set.
int make_timer(int /*clock*/, int /*flags*/) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

/// Asio arms its one timer: noted; one that is due at once speaks.
int note_timer(int fd, int flags, const itimerspec* to, itimerspec* /*before*/) {
  auto& source = kw::simulation::source();
  source.descriptor = fd;
  source.hush();
  source.timer = source.now + std::chrono::seconds{to->it_value.tv_sec} +
                 std::chrono::nanoseconds{to->it_value.tv_nsec};
  if ((flags & TFD_TIMER_ABSTIME) != 0) source.ring();
  return 0;
}

namespace kw::simulation {
namespace {

Duration from(std::chrono::steady_clock::time_point t, std::chrono::steady_clock::time_point now) {
  return std::chrono::ceil<Duration>(t - now);
}

}  // namespace

Time::Time() {
  source().timer.reset();
  source().descriptor = -1;
  source().speaks = false;
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
      source().ring();
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
