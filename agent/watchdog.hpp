#pragma once

#include <functional>

#include "agent/outbox/journal.hpp"
#include "agent/progress.hpp"
#include "common/platform/service.hpp"
#include "common/task.hpp"

namespace kw::agent {

/// Tells the service manager again and again that the agent moves, and stops telling while it does
/// not: the manager then ends and restarts the service. io thread only.
class Watchdog {
 public:
  using Polls = std::function<PollProgress()>;

  Watchdog(const platform::ServiceNotifier& service, Journal& journal, Polls polls,
           const Clock& clock);

  /// For ever; returns at once when no manager watches.
  Task<void> run();

 private:
  void ask(const asio::any_io_executor& io);
  void look();

  const platform::ServiceNotifier& service_;
  Journal& journal_;
  Polls polls_;
  const Clock& clock_;
  Progress progress_;
  std::optional<std::string_view> stalled_;
};

}  // namespace kw::agent
