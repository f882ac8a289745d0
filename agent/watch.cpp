#include "agent/watch.hpp"

#include <utility>

#include "common/identity/random.hpp"
#include "common/log.hpp"

namespace kw::agent {

Watch::Watch(OpenPort open, Recorder& recorder, Board& board, const Clock& clock)
    : open_(std::move(open)), recorder_(recorder), board_(board), clock_(clock) {}

void Watch::start(const AgentConfig& config) {
  std::set<std::string> ports;
  for (const auto& [port, worker] : left_) ports.insert(port);
  poller_ = std::make_shared<Poller>(config, open_, recorder_, board_, clock_,
                                     identity::random_u64(), ports);
  poller_->start();
}

Task<void> Watch::end(Worker& helper, Duration limit) {
  const auto stop = [poller = poller_, limit] {
    poller->stop(limit);
    return poller->left();
  };
  auto more = co_await helper.run(stop);
  // One that has ended meanwhile gives its port back.
  std::erase_if(left_,
                [](const auto& entry) { return entry.second->ended_within(Duration::zero()); });
  for (auto& [port, worker] : more) {
    log::error("driver-left-alone", {{"port", port}});
    left_.emplace(port, std::move(worker));
  }
}

Task<std::set<std::string>> Watch::replace(Worker& helper,
                                           std::shared_ptr<const AgentConfig> config,
                                           Duration limit) {
  co_await end(helper, limit);
  start(*config);
  std::set<std::string> ports;
  for (const auto& [port, worker] : left_) ports.insert(port);
  co_return ports;
}

Task<bool> Watch::stop(Worker& helper, Duration limit) {
  co_await end(helper, limit);
  co_return left_.empty();
}

Task<Result<drivers::SelfTest>> Watch::self_test(std::string device, std::string test,
                                                 Duration limit) {
  const auto poller = poller_;
  co_return co_await poller->self_test(std::move(device), std::move(test), limit);
}

}  // namespace kw::agent
