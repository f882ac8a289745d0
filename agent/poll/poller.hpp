#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/config.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/poll/board.hpp"
#include "agent/poll/device_worker.hpp"

namespace kw::agent {

/// Asks every configured device for its status: one worker a port, and one thread that watches that
/// none of them hangs. Devices that are disabled or configured wrongly are reported once, unasked.
class Poller {
 public:
  Poller(const AgentConfig& config, OpenPort open, Recorder& recorder, Board& board,
         const Clock& clock, std::uint64_t seed);
  ~Poller();

  void start();
  /// Ends every worker. False when one is stuck: its thread still uses what this was given, so the
  /// process has to leave without destroying that.
  bool stop(Duration limit);

 private:
  void watch();

  const AgentConfig& config_;
  Recorder& recorder_;
  std::vector<std::shared_ptr<DeviceWorker>> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread watchdog_;
};

}  // namespace kw::agent
