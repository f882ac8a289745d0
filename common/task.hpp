#pragma once

#include <exception>
#include <string>
#include <utility>
#include <variant>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw {

namespace asio = boost::asio;

/// A coroutine on the io thread. Await plain names, then branch (architecture: compiler).
template <class T>
using Task = asio::awaitable<T>;

/// Completion token inside coroutines: errors come back as values, no exception crosses an await.
inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

/// Suspends for `how_long`; returns early, without an exception, when the coroutine is cancelled.
inline Task<void> sleep_for(Duration how_long) {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer{executor, how_long};
  co_await timer.async_wait(as_result);
}

/// The operation's result, or Errc::timeout after `limit`; the loser is cancelled and awaited.
template <class T>
Task<Result<T>> with_deadline(Task<Result<T>> operation, Duration limit) {
  using asio::experimental::awaitable_operators::operator||;
  auto first = co_await (std::move(operation) || sleep_for(limit));
  if (first.index() == 0) co_return std::move(std::get<0>(first));
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  co_return Error{Errc::timeout, "no answer within " + std::to_string(ms) + " ms"};
}

/// Reports how a spawned coroutine ended; defined in task.cpp so that this header needs no log.
void note_end(const std::string& what, std::exception_ptr failure);

/// The one way to start a coroutine that nobody awaits: its end by exception is logged, never lost.
template <class Executor>
void spawn(Executor&& executor, std::string what, Task<void> task) {
  asio::co_spawn(std::forward<Executor>(executor), std::move(task),
                 [what = std::move(what)](std::exception_ptr failure) { note_end(what, failure); });
}

}  // namespace kw
