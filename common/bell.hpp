#pragma once

#include <cstdint>
#include <list>
#include <utility>

#include "common/task.hpp"

namespace kw {

/// Tells coroutines that something moved, without saying what: they look themselves. One io thread.
///
///     const auto rung = bell.rung();  // before looking, so that nothing falls in between
///     look();
///     co_await bell.heard(rung, limit);
class Bell {
 public:
  explicit Bell(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// How often it has rung.
  std::uint64_t rung() const { return rung_; }

  /// Wakes everybody who waits.
  void ring() {
    ++rung_;
    for (auto* waiting : waiting_) waiting->cancel();
  }

  // No guard takes a timer off the list when its coroutine is destroyed: that happens with the io
  // context alone, which outlives the bell.

  /// Returns when it has rung more often than `rung`, after `limit`, or when the coroutine is
  /// cancelled. The bell must outlive the wait.
  Task<void> heard(std::uint64_t rung, Duration limit) {
    if (rung_ != rung) co_return;
    asio::steady_timer timer{executor_, limit};
    const auto at = waiting_.insert(waiting_.end(), &timer);
    co_await timer.async_wait(as_result);
    waiting_.erase(at);
  }

 private:
  asio::any_io_executor executor_;
  std::list<asio::steady_timer*> waiting_;
  std::uint64_t rung_ = 0;
};

}  // namespace kw
