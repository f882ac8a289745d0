#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/config.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/poll/board.hpp"
#include "agent/poll/poller.hpp"
#include "common/task.hpp"
#include "common/worker.hpp"

namespace kw::agent {

/// The poller of the configuration in force, which can be replaced while the agent runs. A worker
/// whose driver is stuck is left alone with its port, until it ends or the process does. io thread;
/// every `helper` is the same one, of one thread, so that what is asked of it ends in order.
class Watch {
 public:
  /// What is given outlives this and every worker that is stuck.
  Watch(OpenPort open, Recorder& recorder, Board& board, const Clock& clock,
        PollContext context = {});

  void start(const AgentConfig& config);
  /// Ends what polls now, on `helper`'s thread and within `limit`, and begins anew. Never two
  /// threads on one port: returns the ports, as written, that are left to a stuck driver. Once
  /// `stop` was called, nothing begins any more.
  Task<std::set<std::string>> replace(Worker& helper, std::shared_ptr<const AgentConfig> config,
                                      Duration limit);
  /// Ends what polls. False when a driver is stuck: the process has to leave without destroying
  /// what was given.
  Task<bool> stop(Worker& helper, Duration limit);

  /// To be called now and then: a worker that was left alone and has ended gives its port back,
  /// and the devices there are polled.
  void take_back();

  /// Ports that are left to a stuck driver included.
  PollProgress progress() const;
  Result<void> refresh(const std::optional<std::string>& device) {
    return poller_->refresh(device);
  }
  /// See Poller::report.
  Result<void> report(const std::string& device, DeviceResult result, Lang lang) {
    return poller_->report(device, std::move(result), lang);
  }
  void port_appeared() { poller_->port_appeared(); }
  void device_left() { poller_->device_left(); }
  Task<Result<drivers::SelfTest>> self_test(std::string device, std::string test, Duration limit,
                                            std::optional<Lang> lang = {});

 private:
  std::set<std::string> ports_left() const;
  Task<void> end(Worker& helper, Duration limit);

  OpenPort open_;
  Recorder& recorder_;
  Board& board_;
  const Clock& clock_;
  PollContext context_;
  std::shared_ptr<Poller> poller_;
  Poller::Left left_;
  bool stopping_ = false;
};

}  // namespace kw::agent
