#include "agent/watchdog.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "common/log.hpp"

namespace kw::agent {
namespace {

/// So often within the manager's interval that a late turn of the loop costs nothing.
constexpr int tellings = 3;

}  // namespace

Watchdog::Watchdog(const platform::ServiceNotifier& service, Journal& journal, Polls polls,
                   const Clock& clock)
    : service_(service),
      journal_(journal),
      polls_(std::move(polls)),
      clock_(clock),
      progress_(service.watchdog().value_or(Duration::zero())) {}

Task<void> Watchdog::run() {
  const auto watched = service_.watchdog();
  if (!watched) co_return;
  const auto io = co_await asio::this_coro::executor;
  for (;;) {
    if (!progress_.waiting()) ask(io);
    co_await sleep_for(*watched / tellings);
    look();
  }
}

void Watchdog::ask(const asio::any_io_executor& io) {
  progress_.asked(clock_.mono());
  journal_.post([this, io](Outbox&) { asio::post(io, [this] { progress_.answered(); }); });
}

void Watchdog::look() {
  const auto before = std::exchange(stalled_, progress_.stalled(polls_(), clock_.mono()));
  if (!stalled_) {
    if (before) log::warning("progress-again", {{"part", *before}});
    service_.alive();
  } else if (!before) {
    log::error("no-progress", {{"part", *stalled_}});
  }
}

}  // namespace kw::agent
