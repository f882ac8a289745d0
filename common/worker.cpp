#include "common/worker.hpp"

#include <utility>

namespace kw {

Worker::Worker(std::size_t threads, std::size_t queue_limit) : limit_(queue_limit) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

Worker::~Worker() { stop(); }

void Worker::post(std::function<void()> job) {
  if (threads_.empty()) return post_now(std::move(job));
  std::unique_lock lock{mutex_};
  room_.wait(lock, [&] { return stopping_ || limit_ == 0 || jobs_.size() < limit_; });
  if (stopping_) return;
  jobs_.push_back(std::move(job));
  wake_.notify_one();
}

void Worker::post_now(std::function<void()> job) {
  {
    const std::lock_guard lock{mutex_};
    if (stopping_) return;
    jobs_.push_back(std::move(job));
    wake_.notify_one();
  }
  if (threads_.empty()) run_here();
}

void Worker::run_here() {
  // A job that posts another one returns first, as it would from a thread's queue.
  if (std::exchange(running_here_, true)) return;
  while (!jobs_.empty()) {
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    job();
  }
  running_here_ = false;
}

void Worker::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  room_.notify_all();
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Worker::work() {
  for (;;) {
    std::function<void()> job;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    room_.notify_one();
    job();
  }
}

}  // namespace kw
