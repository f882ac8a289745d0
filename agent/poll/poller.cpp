#include "agent/poll/poller.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "common/wire/conditions.hpp"

namespace kw::agent {
namespace {

constexpr auto watched_every = std::chrono::milliseconds{500};
constexpr auto start_spread = std::chrono::milliseconds{300};

wire::Status mistaken(const config::Problem& problem) {
  wire::Status out;
  out.device = wire::DeviceState::offline;
  out.conditions.push_back(
      wire::condition(*wire::find_condition("bad-configuration"), {},
                      fmt::format("{}:{}: {}", problem.line, problem.key, problem.expected)));
  return out;
}

wire::Status disabled() {
  wire::Status out;
  out.enabled = false;
  return out;
}

}  // namespace

Poller::Poller(const AgentConfig& config, OpenPort open, Recorder& recorder, Board& board,
               const Clock& clock, std::uint64_t seed)
    : config_(config), recorder_(recorder) {
  std::mt19937_64 random{seed};
  struct Port {
    drivers::PortAddress address;
    std::vector<DeviceWorker::Device> devices;
  };
  std::map<std::string, Port> ports;
  for (const auto& device : config.devices) {
    if (device.mistake || !device.enabled) continue;
    auto driver = device.card->make(device.settings);
    if (!driver) continue;  // checked when the configuration was read
    const Duration spread = std::min<Duration>(device.poll, start_spread);
    std::uniform_int_distribution<Duration::rep> start{0, spread.count()};
    auto& port = ports[device.port];
    port.address = device.address;
    port.devices.push_back({device.name, std::move(*driver), device.poll, device.settle,
                            Duration{start(random)}, device.hold_port});
  }
  DeviceWorker::Timing timing;
  timing.deadline = config.poll_deadline;
  timing.sample = config.sample;
  for (auto& [text, port] : ports) {
    workers_.push_back(std::make_shared<DeviceWorker>(port.address, std::move(port.devices), timing,
                                                      open, recorder, board, clock));
  }
}

Poller::~Poller() { stop(Duration::zero()); }

void Poller::start() {
  for (const auto& device : config_.devices) {
    if (!device.enabled) {
      recorder_.state(device.name, disabled());
    } else if (device.mistake) {
      recorder_.state(device.name, mistaken(*device.mistake));
    }
  }
  for (const auto& worker : workers_) worker->start();
  watchdog_ = std::thread{[this] { watch(); }};
}

void Poller::watch() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    wake_.wait_for(lock, watched_every);
    if (stopping_) return;
    lock.unlock();
    for (const auto& worker : workers_) worker->watch();
    lock.lock();
  }
}

bool Poller::stop(Duration limit) {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  if (watchdog_.joinable()) watchdog_.join();
  for (const auto& worker : workers_) worker->stop();
  // Each gets what the ones before it left of the time; once that is used up, only those that have
  // ended already count as ended.
  bool all = true;
  for (const auto& worker : workers_) {
    if (!worker->ended_within(all ? limit : Duration::zero())) all = false;
  }
  return all;
}

}  // namespace kw::agent
