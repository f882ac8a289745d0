// What others order of a worker between its polls: a poll at once, a self-test.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "agent/poll/device_worker.hpp"
#include "agent/poll/messages.hpp"
#include "agent/poll/self_test.hpp"

namespace kw::agent {

void DeviceWorker::poll_now(std::size_t entry) {
  const std::lock_guard lock{mutex_};
  if (std::ranges::find(wanted_, entry) == wanted_.end()) wanted_.push_back(entry);
  changed_.notify_all();
}

void DeviceWorker::poll_absent() {
  const std::lock_guard lock{mutex_};
  absent_wanted_ = true;
  changed_.notify_all();
}

void DeviceWorker::poll_left() {
  const std::lock_guard lock{mutex_};
  left_wanted_ = true;
  changed_.notify_all();
}

bool DeviceWorker::stuck() const {
  const std::lock_guard lock{mutex_};
  return call_ && call_->stuck;
}

MonoTime DeviceWorker::last_look() const {
  const std::lock_guard lock{mutex_};
  return last_look_;
}

Error DeviceWorker::test_error(Errc code, const Text& text, const Test& test) const {
  const auto limit_ms = test.order.limit.count() / 1'000;
  return Error{code, fmt::format(fmt::runtime(text.in(test.order.lang)),
                                 devices_[test.order.entry].device.name, limit_ms)};
}

void DeviceWorker::self_test(TestOrder order) {
  const auto test = std::make_shared<Test>();
  test->until = clock_.mono() + order.limit;
  test->order = std::move(order);
  std::optional<Error> refused;
  {
    const std::lock_guard lock{mutex_};
    if (call_ && call_->stuck) {
      refused = test_error(Errc::refused, message::device_stuck, *test);
    } else if (stopping_ || ended_) {
      refused = test_error(Errc::disconnected, message::test_ended, *test);
    } else if (test_) {
      refused = test_error(Errc::busy, message::test_running, *test);
    } else {
      test_ = test;
      changed_.notify_all();
    }
  }
  if (refused) answer_test(*test, std::move(*refused));
}

void DeviceWorker::answer_test(Test& test, Result<drivers::SelfTest> result) {
  TestDone done;
  {
    const std::lock_guard lock{mutex_};
    done = std::exchange(test.order.done, nullptr);
  }
  if (done) done(std::move(result));
}

void DeviceWorker::run_test(Test& test) {
  auto& polled = devices_[test.order.entry];
  auto result = tested(polled, test);
  if (!result && stopped()) result = test_error(Errc::disconnected, message::test_ended, test);
  // What was left unread would be taken for the next poll's answer.
  if (!result) close_port();
  give_back_port();
  schedule_.again_at(test.order.entry, clock_.mono());
  {
    const std::lock_guard lock{mutex_};
    test_.reset();
  }
  answer_test(test, std::move(result));
}

Result<drivers::SelfTest> DeviceWorker::tested(Polled& polled, const Test& test) {
  const auto started = clock_.mono();
  if (started >= test.until) return test_error(Errc::timeout, message::test_late, test);
  auto step = Step::port;
  if (test.order.poll_only) {
    auto status = ask(polled, step);
    if (!status) return std::move(status).error();
    return as_self_test(*status, clock_.mono() - started);
  }
  if (auto attached = attach(polled, step, true); !attached) return std::move(attached).error();
  const auto left = test.until - clock_.mono();
  if (left <= Duration::zero()) return test_error(Errc::timeout, message::test_late, test);
  const auto deadline = begin_call(polled, left);
  if (!deadline) return deadline.error();
  auto result = polled.device.driver->self_test(test.order.what, *deadline);
  end_call();
  // What it fails with after its time, cancelled say, is not what was wrong.
  if (!result && clock_.mono() >= test.until) {
    return test_error(Errc::timeout, message::test_late, test);
  }
  return result;
}

void DeviceWorker::watch_test() {
  std::shared_ptr<Test> test;
  std::optional<Error> why;
  {
    const std::lock_guard lock{mutex_};
    if (!test_) return;
    if (call_ && call_->stuck) {
      why = test_error(Errc::refused, message::device_stuck, *test_);
    } else if (clock_.mono() > test_->until + timing_.deadline) {
      why = test_error(Errc::timeout, message::test_late, *test_);
    } else {
      return;
    }
    test = test_;
    // One that runs keeps its place until it returns: the next would only wait behind it.
    if (!test->running) test_.reset();
  }
  answer_test(*test, std::move(*why));
}

}  // namespace kw::agent
