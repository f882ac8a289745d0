#include "agent/watch.hpp"

#include <utility>

#include "common/identity/random.hpp"
#include "common/log.hpp"

namespace kw::agent {

Watch::Watch(OpenPort open, Recorder& recorder, Board& board, const Clock& clock,
             PollContext context)
    : open_(std::move(open)),
      recorder_(recorder),
      board_(board),
      clock_(clock),
      context_(std::move(context)) {}

std::set<std::string> Watch::ports_left() const {
  std::set<std::string> out;
  for (const auto& [port, worker] : left_) out.insert(port);
  return out;
}

void Watch::start(const AgentConfig& config) {
  poller_ = std::make_shared<Poller>(config, open_, recorder_, board_, clock_,
                                     identity::random_u64(), ports_left(), context_);
  poller_->start();
}

Task<void> Watch::end(Worker& helper, Duration limit) {
  const auto stop = [poller = poller_, limit] {
    poller->stop(limit);
    return poller->left();
  };
  auto more = co_await helper.run(stop);
  take_back();
  for (auto& [port, worker] : more) {
    const bool is_new = left_.emplace(port, std::move(worker)).second;
    if (is_new) log::error("driver-left-alone", {{"port", port}});
  }
}

void Watch::take_back() {
  for (auto it = left_.begin(); it != left_.end();) {
    if (!it->second->ended_within(Duration::zero())) {
      ++it;
      continue;
    }
    poller_->start_port(it->first);
    it = left_.erase(it);
  }
}

PollProgress Watch::progress() const {
  auto out = poller_->progress();
  out.ports += left_.size();
  out.stuck += left_.size();
  return out;
}

Task<std::set<std::string>> Watch::replace(Worker& helper,
                                           std::shared_ptr<const AgentConfig> config,
                                           Duration limit) {
  co_await end(helper, limit);
  if (!stopping_) start(*config);
  co_return ports_left();
}

Task<bool> Watch::stop(Worker& helper, Duration limit) {
  stopping_ = true;
  // A replacing that has begun ends before this does: what it leaves alone is counted here too.
  co_await end(helper, limit);
  co_return left_.empty();
}

Task<Result<drivers::SelfTest>> Watch::self_test(std::string device, std::string test,
                                                 Duration limit, std::optional<Lang> lang) {
  const auto poller = poller_;
  co_return co_await poller->self_test(std::move(device), std::move(test), limit, lang);
}

}  // namespace kw::agent
