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
/// What `what` answers with refused, invalid or missing is final: nothing of it is kept, and it is
/// not tried again.
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
    pending->value = what(work);
    if (*pending->value) return {};
    const auto& why = pending->value->error();
    const bool expected = why.code() == Errc::invalid || why.code() == Errc::missing;
    return expected ? Error{Errc::refused, why.text()} : why;
  };
  job.after = [pending, executor](const Result<void>& done) {
    asio::post(executor, [pending, done] {
      pending->done = done;
      pending->answered.cancel();
    });
  };
  writer.post(std::move(job));
  while (!pending->done) co_await pending->answered.async_wait(as_result);
  if (pending->value && !*pending->value) co_return pending->value->error();
  if (!*pending->done) co_return pending->done->error();
  co_return std::move(*pending->value);
}

}  // namespace kw::collector
