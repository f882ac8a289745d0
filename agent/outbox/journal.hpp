#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/outbox/outbox.hpp"
#include "common/worker.hpp"

namespace kw::agent {

/// Where the workers leave what they found. Any thread; waits while the outbox cannot keep up.
class Recorder {
 public:
  virtual ~Recorder() = default;
  /// `proven`: the faults that the device told of itself before are over, by an application that
  /// has worked with it since, say; a `driverReport` without that ends none of them.
  virtual void state(const std::string& device, const wire::Status& status, bool proven) = 0;
  virtual void sample(const std::string& device,
                      const std::vector<wire::Measurement>& measurements) = 0;
  /// What the agent has to say of itself (AgentNote).
  virtual void note(const std::string& code, const std::string& device,
                    const std::string& detail) = 0;
};

/// The outbox and the one thread that uses it. The queue before it is bounded: when the disk is
/// slow, polls are delayed; nothing is dropped.
class Journal final : public Recorder {
 public:
  static constexpr std::size_t queue_limit = 256;
  static constexpr std::size_t samples_together = 64;

  /// `threads`: 1, or 0 for a program of one thread (`Worker`).
  Journal(std::unique_ptr<Outbox> outbox, const Clock& clock, std::size_t threads = 1);
  /// Writes what is queued and held.
  ~Journal() override;

  void state(const std::string& device, const wire::Status& status, bool proven) override;
  void sample(const std::string& device,
              const std::vector<wire::Measurement>& measurements) override;
  void note(const std::string& code, const std::string& device, const std::string& detail) override;
  void power(const pb::Power& power);

  /// Called on the outbox's thread after every commit that wrote events.
  void on_appended(std::function<void(const Appended&)> told);

  /// Runs `f(Outbox&)` on the outbox's thread; the value comes back on the coroutine's own.
  template <class F>
  auto ask(F f) -> Task<std::invoke_result_t<F&, Outbox&>> {
    auto job = [this, &f] { return f(*outbox_); };
    auto value = co_await worker_.run(job);
    co_return value;
  }
  /// The same without an answer. Never waits: for the io thread.
  void post(std::function<void(Outbox&)> job);
  /// As `note`, but never waits: for the io thread.
  void post_note(const std::string& code, const std::string& detail);

 private:
  std::unique_ptr<Outbox> outbox_;
  const Clock& clock_;
  Worker worker_;
};

}  // namespace kw::agent
