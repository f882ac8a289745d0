#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "collector/store/queries.hpp"
#include "common/worker.hpp"

namespace kw::collector {

/// Two threads with a read-only connection each (data path, section 4), so that no query ever runs
/// on the io thread and none holds a read transaction across a wait.
class ReaderPool {
 public:
  explicit ReaderPool(std::vector<std::unique_ptr<Queries>> connections)
      : free_(std::move(connections)), worker_(free_.size(), 0) {}

  /// Runs `ask` on a reader thread and resumes with its answer.
  template <class T>
  Task<Result<T>> read(std::function<Result<T>(Queries&)> ask) {
    auto job = [this, &ask]() -> Result<T> {
      auto queries = take();
      auto answer = ask(*queries);
      give_back(std::move(queries));
      return answer;
    };
    co_return co_await worker_.run(std::move(job));
  }

 private:
  std::unique_ptr<Queries> take() {
    const std::lock_guard lock{mutex_};
    auto out = std::move(free_.back());
    free_.pop_back();
    return out;
  }
  void give_back(std::unique_ptr<Queries> queries) {
    const std::lock_guard lock{mutex_};
    free_.push_back(std::move(queries));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Queries>> free_;  ///< as many as threads: one is always there
  Worker worker_;
};

}  // namespace kw::collector
