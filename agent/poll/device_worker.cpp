#include "agent/poll/device_worker.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/poll/messages.hpp"
#include "common/log.hpp"
#include "common/platform/thread_name.hpp"
#include "common/wire/conditions.hpp"

namespace kw::agent {
namespace {

constexpr int cancelled_past = 2;

wire::Status stuck_status() {
  wire::Status out;
  out.device = wire::DeviceState::offline;
  out.media = wire::Media::unknown;
  out.conditions.push_back(wire::condition(*wire::find_condition("driver-stuck")));
  return out;
}

}  // namespace

DeviceWorker::DeviceWorker(const drivers::PortAddress& address, std::vector<Device> devices,
                           const Timing& timing, OpenPort open, Recorder& recorder, Board& board,
                           const Clock& clock, Supplies* supplies)
    : address_(address),
      timing_(timing),
      open_(std::move(open)),
      recorder_(recorder),
      board_(board),
      clock_(clock),
      supplies_(supplies),
      schedule_(timing.seed) {
  for (auto& device : devices) {
    const auto settle = device.settle;
    const auto results = device.results;
    devices_.push_back({.device = std::move(device),
                        .presence = {},
                        .debounce = Debounce{settle},
                        .flapping = Flapping{timing.flapping},
                        .results = results});
  }
}

DeviceWorker::~DeviceWorker() {
  if (thread_.joinable()) thread_.detach();
}

void DeviceWorker::start() {
  const auto now = clock_.mono();
  for (const auto& polled : devices_) schedule_.add(polled.device.poll, now + polled.device.start);
  if (schedule_.empty()) return;
  const std::lock_guard lock{mutex_};
  ended_ = false;
  last_look_ = now;
  thread_ = std::thread{[self = shared_from_this()] { self->work(); }};
}

void DeviceWorker::stop() {
  std::shared_ptr<Test> waiting;
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    if (call_ && port_) port_->cancel();
    changed_.notify_all();
    if (test_ && !test_->running) waiting = std::exchange(test_, nullptr);
  }
  if (waiting) {
    answer_test(*waiting, test_error(Errc::disconnected, message::test_ended, *waiting));
  }
}

bool DeviceWorker::ended_within(Duration limit) {
  std::shared_ptr<Test> running;
  bool ended = false;
  {
    std::unique_lock lock{mutex_};
    ended = changed_.wait_for(lock, limit, [&] { return ended_; });
    if (!ended) running = test_;
  }
  if (running) {
    answer_test(*running, test_error(Errc::refused, message::device_stuck, *running));
  }
  if (!ended) return false;
  const std::lock_guard lock{mutex_};  // two may ask; the thread itself locks nothing any more
  if (thread_.joinable()) thread_.join();
  return true;
}

void DeviceWorker::watch() {
  watch_test();
  std::unique_lock lock{mutex_};
  if (!call_) return;
  // A call that was given longer than a poll is judged by how far it is over.
  const auto running = clock_.mono() - call_->started - (call_->limit - timing_.deadline);
  if (running > cancelled_past * timing_.deadline && !call_->cancelled) {
    call_->cancelled = true;
    if (port_) port_->cancel();
  }
  if (running <= stuck_past * timing_.deadline || call_->stuck) return;
  call_->stuck = true;
  // Recording may wait for the disk, and others ask this worker meanwhile; only the call's end
  // waits for it, since what is found then has to come after this.
  reporting_ = true;
  const auto& name = call_->polled->device.name;
  lock.unlock();
  log::error("driver-stuck", {{"device", name}});
  // Nobody asks the other devices of the port either.
  for (const auto& polled : devices_) recorder_.state(polled.device.name, stuck_status(), false);
  recorder_.note("stuck", name, {});
  lock.lock();
  reporting_ = false;
  changed_.notify_all();
}

void DeviceWorker::work() {
  platform::name_this_thread("poll");
  while (const auto turn = next_turn()) {
    if (turn->test) {
      run_test(*turn->test);
    } else if (turn->result) {
      take_result(turn->entry, std::move(*turn->result));
    } else {
      look(turn->entry);
    }
  }
  close_port();
  const std::lock_guard lock{mutex_};
  ended_ = true;
  changed_.notify_all();
}

void DeviceWorker::take_wanted(MonoTime now) {
  for (const auto entry : wanted_) schedule_.again_at(entry, now);
  wanted_.clear();
  const bool left = std::exchange(left_wanted_, false);
  const bool appeared = std::exchange(absent_wanted_, false);
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    auto& polled = devices_[i];
    const bool absent = polled.presence.misses() > 0 || polled.not_there;
    if (left) polled.may_have_left = true;
    if (left || (appeared && absent)) schedule_.again_at(i, now);
  }
}

std::optional<DeviceWorker::Turn> DeviceWorker::next_turn() {
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    if (test_ && !test_->running) {
      test_->running = true;
      return Turn{test_, std::nullopt, test_->order.entry};
    }
    if (!told_.empty()) {
      auto told = std::move(told_.front());
      told_.pop_front();
      return Turn{nullptr, std::move(told.result), told.entry};
    }
    const auto now = clock_.mono();
    take_wanted(now);
    const auto entry = schedule_.next();
    const auto due = schedule_.due(entry);
    if (now >= due) return Turn{nullptr, std::nullopt, entry};
    changed_.wait_for(lock, due - now);
  }
  return std::nullopt;
}

Result<MonoTime> DeviceWorker::begin_call(const Polled& polled, Duration limit) {
  const std::lock_guard lock{mutex_};
  if (stopping_) return Error{Errc::disconnected, "the worker ends"};
  const auto now = clock_.mono();
  call_ = Call{&polled, now, limit, false, false};
  return now + limit;
}

void DeviceWorker::end_call() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return !reporting_; });
  // What was reported in their names meanwhile is not what debounce remembers.
  if (call_->stuck) {
    for (auto& polled : devices_) {
      polled.debounce.forget();
      polled.flapping.forget();
    }
  }
  call_.reset();
}

bool DeviceWorker::stopped() const {
  const std::lock_guard lock{mutex_};
  return stopping_;
}

Result<void> DeviceWorker::attach(Polled& polled, Step& step, bool use) {
  step = Step::port;
  auto address = address_;
  if (use) address.only_look = false;
  if (port_ && port_in_use_ == address.only_look) close_port();
  if (!port_) {
    const auto deadline = begin_call(polled, timing_.deadline);
    if (!deadline) return deadline.error();
    auto port = open_(address, *deadline);
    end_call();
    if (!port) return std::move(port).error();
    const std::lock_guard lock{mutex_};
    port_ = std::move(*port);
    port_in_use_ = !address.only_look;
  }
  if (!polled.attached) {
    step = Step::probe;
    const auto deadline = begin_call(polled, timing_.deadline);
    if (!deadline) return deadline.error();
    auto opened = polled.device.driver->open(*port_, *deadline);
    end_call();
    if (!opened) {
      polled.device.driver->close();
      return std::move(opened).error();
    }
    polled.attached = true;
  }
  return {};
}

Result<wire::Status> DeviceWorker::ask(Polled& polled, Step& step) {
  if (auto attached = attach(polled, step); !attached) return std::move(attached).error();
  step = Step::poll;
  const auto deadline = begin_call(polled, timing_.deadline);
  if (!deadline) return deadline.error();
  auto status = polled.device.driver->poll(*deadline);
  end_call();
  return status;
}

bool DeviceWorker::resting(const Polled& polled) const {
  return !polled.device.poll_in_session && timing_.serving && timing_.serving();
}

void DeviceWorker::look(std::size_t entry) {
  auto& polled = devices_[entry];
  const auto started = clock_.mono();
  if (resting(polled)) {
    schedule_.served(entry, started);
    const std::lock_guard lock{mutex_};
    last_look_ = started;  // not looking is what was asked for: the worker is well
    return;
  }
  Step step = Step::port;
  auto status = ask(polled, step);
  const auto now = clock_.mono();
  schedule_.served(entry, now, status ? Duration::zero() : at_least(polled, now));
  {
    const std::lock_guard lock{mutex_};
    last_look_ = now;
    if (stopping_) return;  // a cancelled call says nothing of the device
  }
  Look look;
  look.at = now;
  look.took = now - started;
  if (status) {
    look.status = *status;
    answered(entry, std::move(*status), now);
  } else {
    look.status = absent(step, status.error());
    missed(entry, step, status.error(), now);
  }
  end_flapping(polled, now);
  look.misses = polled.presence.misses();
  look.reported_at = polled.reported_at;
  give_back_port();
  board_.put(polled.device.name, std::move(look));
}

Duration DeviceWorker::at_least(const Polled& polled, MonoTime now) const {
  const bool long_gone = polled.absent_since && now - *polled.absent_since >= timing_.absent_after;
  return long_gone ? timing_.absent_every : Duration::zero();
}

void DeviceWorker::tell(Polled& polled, const wire::Status& status, MonoTime now) {
  const bool held = polled.flapping.held();
  const auto told = polled.flapping.changed(status, now);
  // What stands while it flaps is the worst that was seen: a result that worked ends none of it.
  polled.proven = !polled.flapping.held() && proves(polled, status, now);
  if (told) recorder_.state(polled.device.name, *told, polled.proven);
  if (held || !polled.flapping.held()) return;
  log::warning("flapping", {{"device", polled.device.name}});
}

void DeviceWorker::end_flapping(Polled& polled, MonoTime now) {
  const auto ended = polled.flapping.calm(now);
  if (!ended) return;
  const auto& name = polled.device.name;
  polled.proven = proves(polled, ended->truth, now);
  recorder_.state(name, ended->truth, polled.proven);
  recorder_.note("flapping-ended", name, fmt::format("held_back={}", ended->held_back));
  log::info("flapping-ended", {{"device", name}, {"held_back", ended->held_back}});
}

void DeviceWorker::answered(std::size_t entry, wire::Status status, MonoTime now) {
  auto& polled = devices_[entry];
  polled.presence.answered();
  polled.absent_since.reset();
  polled.missed_since.reset();
  polled.missed_as.reset();
  polled.may_have_left = false;
  polled.not_there = status.device == wire::DeviceState::no_device;
  const bool other_unit = polled.identity && *polled.identity != status.identity;
  polled.identity = status.identity;
  polled.heard = Reported::Heard{std::move(status), now};
  conclude_heard(entry, other_unit, now);
  const auto& measurements = polled.heard->status.measurements;
  if (!measurements.empty() && now >= polled.next_sample) {
    recorder_.sample(polled.device.name, measurements);
    polled.next_sample = now + timing_.sample;
  }
}

void DeviceWorker::missed(std::size_t entry, Step step, const Error& why, MonoTime now) {
  auto& polled = devices_[entry];
  log::debug("poll-missed", {{"device", polled.device.name}, {"reason", why}});
  // A port that somebody else uses is as good as an answer: it is given back any moment.
  if (why.code() == Errc::busy) {
    polled.absent_since.reset();
  } else if (!polled.absent_since) {
    polled.absent_since = now;
  }
  if (!polled.missed_since) polled.missed_since = now;
  polled.missed_for = why.code();
  polled.missed_as = polled.presence.missed(step, why);
  // The port is opened anew after the third miss, and at once when it is gone.
  if (!polled.presence.doubtful() || why.code() == Errc::disconnected) {
    close_port();
  } else if (port_) {
    port_->discard();
  }
  if (polled.presence.doubtful()) {
    const bool gone =
        why.code() == Errc::disconnected || (step == Step::port && why.code() == Errc::missing);
    schedule_.again_at(entry, polled.may_have_left && gone ? now : now + timing_.retry);
    return;
  }
  polled.may_have_left = false;
  if (polled.missed_as) conclude_missed(entry, now);
}

void DeviceWorker::give_back_port() {
  // A look is over with the poll, and what a self-test alone may use is another program's again.
  if (address_.only_look) return close_port();
  const auto holds = [](const Polled& polled) { return polled.device.hold_port; };
  if (std::ranges::none_of(devices_, holds)) close_port();
}

void DeviceWorker::close_port() {
  for (auto& polled : devices_) {
    if (polled.attached) polled.device.driver->close();
    polled.attached = false;
  }
  const std::lock_guard lock{mutex_};
  port_.reset();
}

}  // namespace kw::agent
