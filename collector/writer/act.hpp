#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/writer/writer.hpp"
#include "common/task.hpp"

namespace kw::collector {

/// Runs one write of a person (or of a kiosk's enrolment) through the writer, ahead of ingest, and
/// resumes on the io thread with its value once it is committed. The way of every such change.
template <class T>
Task<Result<T>> act(Writer& writer, std::function<Result<T>(Work&)> what) {
  struct Pending {
    explicit Pending(const asio::any_io_executor& executor)
        : answered(executor, asio::steady_timer::time_point::max()) {}
    asio::steady_timer answered;
    std::optional<Result<T>> value;
    std::optional<Result<void>> done;
  };
  auto executor = co_await asio::this_coro::executor;
  auto pending = std::make_shared<Pending>(executor);
  Job job;
  job.ahead = true;
  job.work = [pending, what = std::move(what)](Work& work) -> Result<void> {
    pending->value.reset();
    pending->value = what(work);
    if (*pending->value) return {};
    // A "no" of whatever kind is an answer, undone and told; only a failing store is tried again.
    const auto& why = pending->value->error();
    return Error{why.code() == Errc::storage ? Errc::storage : Errc::refused, why.text()};
  };
  job.after = [pending, executor](const Result<void>& done) {
    asio::post(executor, [pending, done] {
      pending->done = done;
      pending->answered.cancel();
    });
  };
  writer.post(std::move(job));
  while (!pending->done) co_await pending->answered.async_wait(as_result);
  if (!*pending->done && pending->value && !*pending->value) co_return pending->value->error();
  if (!*pending->done) co_return pending->done->error();
  co_return std::move(*pending->value);
}

}  // namespace kw::collector
