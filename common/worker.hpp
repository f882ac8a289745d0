#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>

#include "common/task.hpp"

namespace kw {

/// Threads that do what may block, in order of arrival, so that the io thread never does. Mutex and
/// condition variable only (latch, semaphore and atomic wait dead-lock in the mingw runtime).
class Worker {
 public:
  /// `queue_limit`: `post` waits while so many jobs are queued; 0: unbounded. `threads` 0: there are
  /// none, and every job runs on the thread that posts it, in order of arrival, before the outermost
  /// `post` returns: for programs of one thread.
  Worker(std::size_t threads, std::size_t queue_limit);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Runs what is queued, then joins.
  ~Worker();

  /// Queues a job; blocks while the queue is full. Any thread but the worker's own when bounded.
  void post(std::function<void()> job);
  /// Queues ahead of the limit: for jobs that an io thread posts and must never wait for.
  void post_now(std::function<void()> job);
  /// Runs what is queued and ends the threads. Later posts are dropped.
  void stop();

  /// Runs `f` on a worker thread and resumes the coroutine on its own executor with the value.
  template <class F>
  auto run(F f) -> Task<std::invoke_result_t<F&>>;

 private:
  void work();
  void run_here();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable room_;
  std::deque<std::function<void()>> jobs_;
  std::size_t limit_;
  bool stopping_ = false;
  bool running_here_ = false;
  std::vector<std::thread> threads_;
};

template <class F>
auto Worker::run(F f) -> Task<std::invoke_result_t<F&>> {
  using T = std::invoke_result_t<F&>;
  auto executor = co_await asio::this_coro::executor;
  auto start = [this, executor, &f](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto work = asio::make_work_guard(executor);
    post_now([shared, executor, &f, work]() mutable {
      auto value = std::make_shared<T>(f());
      asio::post(executor, [shared, value, work]() mutable { (*shared)(std::move(*value)); });
    });
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable), void(T)>(
      start, asio::use_awaitable);
}

}  // namespace kw
