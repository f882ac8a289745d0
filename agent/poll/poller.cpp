#include "agent/poll/poller.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/config.hpp"
#include "agent/poll/messages.hpp"
#include "agent/poll/self_test.hpp"
#include "common/filled.hpp"
#include "common/wire/conditions.hpp"

namespace kw::agent {
namespace {

constexpr auto watched_at_least = std::chrono::milliseconds{100};
constexpr auto start_spread = std::chrono::milliseconds{300};

wire::Status mistaken(const config::Problem& problem) {
  wire::Status out;
  out.device = wire::DeviceState::offline;
  out.conditions.push_back(
      wire::condition(*wire::find_condition("bad-configuration"), {},
                      fmt::format("{}:{}: {}", problem.line, problem.key, problem.what(Lang::en))));
  return out;
}

/// As a worker reports it of its own driver.
wire::Status stuck_before() {
  wire::Status out;
  out.device = wire::DeviceState::offline;
  out.conditions.push_back(wire::condition(*wire::find_condition("driver-stuck")));
  return out;
}

wire::Status disabled() {
  wire::Status out;
  out.enabled = false;
  return out;
}

/// What the devices of one worker have in common: their port. Without one they share nothing, and
/// what holds one of them up must not hold up the next.
std::string worker_of(const DeviceConfig& device) {
  return device.port == "-" ? "- (" + device.name + ")" : device.port;
}

template <class... Args>
std::string told(Lang lang, const Text& text, const Args&... args) {
  return filled(text, args...).in(lang);
}

}  // namespace

Poller::Poller(const AgentConfig& config, OpenPort open, Recorder& recorder, Board& board,
               const Clock& clock, std::uint64_t seed, const std::set<std::string>& left,
               PollContext context)
    : lang_(config.language),
      recorder_(recorder),
      clock_(clock),
      results_(context.results),
      left_(left) {
  std::mt19937_64 random{seed};
  struct Port {
    drivers::PortAddress address;
    std::vector<DeviceWorker::Device> devices;
  };
  std::map<std::string, Port> ports;
  for (const auto& device : config.devices) {
    auto& target = targets_[device.name];
    names_.push_back(device.name);
    target.card = device.card;
    if (!device.enabled) {
      target.unasked = disabled();
      target.refusal = filled(message::device_disabled, device.name);
    } else if (device.mistake) {
      target.unasked = mistaken(*device.mistake);
      const Bilingual mistake{device.mistake->in(Lang::zh_cn), device.mistake->in(Lang::en)};
      target.refusal = filled(message::device_mistaken, device.name, mistake);
    } else if (left.contains(worker_of(device))) {
      target.unasked = stuck_before();
    }
    if (!target.refusal.en.empty()) continue;
    auto driver = device.card->make(device.settings);
    if (!driver) {  // checked when the configuration was read, so only ever out of memory
      target.refusal = driver.wrong();
      continue;
    }
    const Duration spread = std::min<Duration>(device.poll, start_spread);
    std::uniform_int_distribution<Duration::rep> start{0, spread.count()};
    auto& port = ports[worker_of(device)];
    // Opened for one of its devices, it is open for all.
    const bool only_look =
        device.address.only_look && (port.devices.empty() || port.address.only_look);
    port.address = device.address;
    port.address.only_look = only_look;
    target.entry = port.devices.size();
    target.port = worker_of(device);
    port.devices.push_back({device.name, std::move(*driver), device.poll, device.settle,
                            Duration{start(random)}, device.hold_port,
                            results_ == nullptr ? Reported{device.results}
                                                : results_->begin(device.name, device.results),
                            device.poll_in_session});
  }
  DeviceWorker::Timing timing;
  timing.deadline = config.poll_deadline;
  timing.sample = config.sample;
  timing.flapping = config.flapping;
  timing.serving = std::move(context.serving);
  watch_every_ = std::max<Duration>(config.poll_deadline / 2, watched_at_least);
  std::optional<Duration> shortest;
  for (auto& [text, port] : ports) {
    for (const auto& device : port.devices) {
      shortest = std::min(shortest.value_or(device.poll), device.poll);
    }
    std::vector<std::string> names;
    for (const auto& device : port.devices) names.push_back(device.name);
    timing.seed = random();
    workers_.push_back(std::make_shared<DeviceWorker>(port.address, std::move(port.devices), timing,
                                                      open, recorder, board, clock,
                                                      context.supplies));
    ports_.push_back(text);
    for (const auto& name : names) targets_[name].worker = workers_.back();
  }
  // The next turn of the device that is asked most often, even when all are absent; a call may go
  // on until its driver counts as stuck.
  look_limit_ = 2 * std::max(shortest.value_or(Duration::zero()), timing.absent_every) +
                DeviceWorker::stuck_past * timing.deadline;
}

Poller::~Poller() { stop(Duration::zero()); }

void Poller::start() {
  for (const auto& name : names_) {
    const auto& target = targets_.at(name);
    if (target.unasked) recorder_.state(name, *target.unasked, false);
  }
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!is_left(ports_[i])) workers_[i]->start();
  }
  watchdog_ = std::thread{[this] { watch(); }};
}

void Poller::watch() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    wake_.wait_for(lock, watch_every_);
    if (stopping_) return;
    lock.unlock();
    for (const auto& worker : workers_) worker->watch();
    lock.lock();
  }
}

void Poller::start_port(const std::string& port) {
  const std::lock_guard lock{mutex_};
  if (stopping_ || left_.erase(port) == 0) return;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (ports_[i] == port) workers_[i]->start();
  }
}

bool Poller::is_left(const std::string& port) const {
  const std::lock_guard lock{mutex_};
  return left_.contains(port);
}

Error Poller::stuck(const std::string& device, Lang lang) {
  return Error{Errc::refused, told(lang, message::device_stuck, device)};
}

Result<const Poller::Target*> Poller::find(const std::string& device, Lang lang) const {
  const auto it = targets_.find(device);
  if (it == targets_.end()) {
    const auto known = names_.empty() ? std::string{message::no_devices.in(lang)}
                                      : fmt::format("{}", fmt::join(names_, ", "));
    return Error{Errc::missing, told(lang, message::no_such_device, device.substr(0, 64), known)};
  }
  if (!it->second.worker) return Error{Errc::refused, it->second.refusal.in(lang)};
  if (is_left(it->second.port)) return stuck(device, lang);
  return &it->second;
}

Result<void> Poller::refresh(const std::optional<std::string>& device) {
  if (!device) {
    for (const auto& [name, target] : targets_) {
      if (target.worker) target.worker->poll_now(target.entry);
    }
    return {};
  }
  const auto found = find(*device, lang_);
  if (!found) return found.error();
  const auto& target = **found;
  if (target.worker->stuck()) return stuck(*device, lang_);
  target.worker->poll_now(target.entry);
  return {};
}

Result<void> Poller::report(const std::string& device, DeviceResult result, Lang lang) {
  const auto found = find(device, lang);
  if (!found) return found.error();
  const auto& target = **found;
  if (target.worker->stuck()) return stuck(device, lang);
  // Here and not by the worker, which may end before it comes to it.
  if (results_ != nullptr) results_->add(device, result);
  target.worker->report(target.entry, std::move(result));
  return {};
}

PollProgress Poller::progress() const {
  PollProgress out;
  out.limit = look_limit_;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (is_left(ports_[i])) continue;
    ++out.ports;
    if (workers_[i]->stuck()) {
      ++out.stuck;
    } else {
      out.last = std::max(out.last, workers_[i]->last_look());
    }
  }
  return out;
}

void Poller::port_appeared() {
  for (const auto& worker : workers_) worker->poll_absent();
}

void Poller::device_left() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (drivers::may_be_unplugged(ports_[i])) workers_[i]->poll_left();
  }
}

Task<Result<drivers::SelfTest>> Poller::self_test(std::string device, std::string what,
                                                  Duration limit, std::optional<Lang> in) {
  const auto lang = in.value_or(lang_);
  const auto found = find(device, lang);
  if (!found) co_return found.error();
  const auto& target = **found;
  auto test = choose_self_test(*target.card, what, device, lang);
  if (!test) co_return std::move(test).error();
  DeviceWorker::TestOrder order;
  order.entry = target.entry;
  order.what = std::move(*test);
  order.poll_only = target.card->self_tests.empty();
  order.limit = limit;
  order.lang = lang;
  const auto executor = co_await asio::this_coro::executor;
  auto start = [worker = target.worker, &order, executor](auto handler) {
    auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
    auto busy = asio::make_work_guard(executor);
    order.done = [waiting, executor, busy](Result<drivers::SelfTest> result) {
      auto value = std::make_shared<Result<drivers::SelfTest>>(std::move(result));
      asio::post(executor, [waiting, value, busy] { (*waiting)(std::move(*value)); });
    };
    worker->self_test(std::move(order));
  };
  co_return co_await asio::async_initiate<decltype(asio::use_awaitable),
                                          void(Result<drivers::SelfTest>)>(start,
                                                                           asio::use_awaitable);
}

Poller::Left Poller::left() const {
  Left out;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (!workers_[i]->ended_within(Duration::zero())) out.emplace(ports_[i], workers_[i]);
  }
  return out;
}

bool Poller::stop(Duration limit) {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  const auto until = clock_.mono() + limit;
  if (watchdog_.joinable()) watchdog_.join();
  for (const auto& worker : workers_) worker->stop();
  // Each gets what the ones before it left of the time; once that is used up, only those that have
  // ended already count as ended.
  bool all = true;
  for (const auto& worker : workers_) {
    const auto rest = std::max<Duration>(until - clock_.mono(), Duration::zero());
    if (!worker->ended_within(rest)) all = false;
  }
  return all;
}

}  // namespace kw::agent
