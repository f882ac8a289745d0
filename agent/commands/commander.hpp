#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "agent/commands/order.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/uplink/backoff.hpp"
#include "common/clock.hpp"
#include "common/i18n.hpp"
#include "common/link/http.hpp"
#include "common/task.hpp"
#include "drivers/driver.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::agent {

/// Does what the collector asks for, each command at most once: it is noted in the outbox's file
/// before it begins, and its result is written together with the note that it is done. io thread.
class Commander {
 public:
  /// What the verbs act on.
  struct Hands {
    std::function<Result<void>(const std::optional<std::string>& device)> refresh;
    std::function<Task<Result<drivers::SelfTest>>(std::string device, std::string test,
                                                  Duration limit)>
        self_test;
    std::function<Task<std::string>()> bundle;
    std::function<Task<Result<link::HttpResponse>>(link::HttpRequest, Duration limit)> upload;
    std::function<std::optional<WallTime>()> collector_now;
    std::function<Lang()> language;
  };
  struct Options {
    Backoff::Options upload;  ///< between two tries to send a bundle
    Duration self_test = std::chrono::seconds{60};
    std::uint64_t seed = 0;
  };

  Commander(asio::any_io_executor executor, Journal& journal, const Clock& clock, Hands hands,
            const Options& options);

  /// Says of what the run before this one began and did not end that it was interrupted. Before
  /// the first `received`.
  void start();
  /// Runs the command, unless it is known. A few run at once, others wait in order of arrival;
  /// bundles one after the other, apart from the rest: each may take as long as its command lasts.
  void received(const pb::Command& command);

 private:
  void begin_waiting();
  Task<void> run(pb::Command command, int& running);
  Task<std::optional<pb::CommandResult>> result_of(const pb::Command& command);
  Task<pb::CommandResult> perform(const pb::Command& command, Order order);
  pb::CommandResult refresh(const order::Refresh& order);
  Task<pb::CommandResult> self_test(order::SelfTest order);
  Task<pb::CommandResult> log_bundle(const pb::Command& command);
  bool expired(const pb::Command& command) const;
  pb::CommandResult expiry(const pb::Command& command) const;
  Seen now() const { return {clock_.mono(), clock_.wall()}; }

  asio::any_io_executor executor_;
  Journal& journal_;
  const Clock& clock_;
  Hands hands_;
  Options options_;
  std::deque<pb::Command> waiting_;
  std::set<std::string> active_;  ///< ids that wait or run
  int running_ = 0;               ///< bundles apart
  int bundling_ = 0;              ///< of them
};

}  // namespace kw::agent
