#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "common/clock.hpp"
#include "common/task.hpp"

namespace kw::simulation {

/// The only time there is. It stands still while anybody has something to do, then jumps to the
/// next thing due: an event of the simulation, a timer of Asio, work of the collector's writer.
///
/// Asio's own timers are driven too: the program is linked with stand-ins for
/// `std::chrono::steady_clock::now` and the system's timers (time.cpp, CMakeLists.txt).
class Time {
 public:
  Time();
  Time(const Time&) = delete;
  Time& operator=(const Time&) = delete;
  ~Time();

  asio::io_context& io() { return *io_; }
  /// Since the seed began.
  Duration now() const { return now_; }
  void at(Duration when, std::function<void()> what);
  void after(Duration pause, std::function<void()> what) { at(now_ + pause, std::move(what)); }

  /// What is not an Asio handler: `work` does what can be done now and says whether that was
  /// anything, `due` when it has something next (Duration::max(): nothing).
  struct Other {
    std::function<bool()> work;
    std::function<Duration()> due;
  };
  void drive(Other other) { other_ = std::move(other); }

  /// Ends early when `enough` says so. False when time did not go on because somebody was never
  /// done.
  bool run_until(Duration until, const std::function<bool()>& enough);

 private:
  bool settle();

  std::unique_ptr<asio::io_context> io_ = std::make_unique<asio::io_context>(1);
  asio::executor_work_guard<asio::io_context::executor_type> guard_{io_->get_executor()};
  Duration now_{};
  std::multimap<Duration, std::function<void()>> events_;
  Other other_;
};

/// A machine's two clocks.
class MachineClock final : public Clock {
 public:
  MachineClock(const Time& time, WallTime origin) : time_(time), origin_(origin) {}

  WallTime wall() const override { return origin_ + time_.now() + wrong_by; }
  MonoTime mono() const override { return MonoTime{} + (time_.now() - booted); }

  Duration wrong_by{};  ///< of the wall
  Duration booted{};    ///< when, in simulated time

 private:
  const Time& time_;
  WallTime origin_;
};

}  // namespace kw::simulation
