#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/outbox/journal.hpp"
#include "drivers/driver.hpp"

namespace kw::agent {

/// What a test orders and the fake device does. Any thread.
class Scene {
 public:
  enum class Mode { answers, silent, gone, busy, missing, other_device, hangs, there };

  void set(Mode mode) {
    const std::lock_guard lock{mutex_};
    mode_ = mode;
    changed_.notify_all();
  }
  Mode mode() const {
    const std::lock_guard lock{mutex_};
    return mode_;
  }
  /// A call that nobody answers: until it is cancelled, or the mode changes when it cannot be.
  Error hang() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return mode_ != Mode::hangs || (cancelled_ && !deaf); });
    cancelled_ = false;
    return {Errc::disconnected, "cancelled"};
  }
  void cancel() {
    const std::lock_guard lock{mutex_};
    cancelled_ = true;
    ++cancels;
    changed_.notify_all();
  }

  std::atomic<int> cancels = 0;
  int opened = 0;              ///< ports
  std::atomic<int> asked = 0;  ///< calls into the driver, self-tests apart
  std::atomic<int> tests = 0;  ///< self-tests begun
  bool deaf = false;           ///< cancelling does not help

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Mode mode_ = Mode::answers;
  bool cancelled_ = false;
};

class FakeDriver final : public drivers::Driver {
 public:
  explicit FakeDriver(Scene& scene) : scene_(scene) {}
  Result<void> open(drivers::Port&, MonoTime) override {
    ++scene_.asked;
    if (scene_.mode() == Scene::Mode::other_device) return Error{Errc::refused, "not mine"};
    return {};
  }
  Result<drivers::SelfTest> self_test(std::string_view what, MonoTime) override {
    ++scene_.tests;
    switch (scene_.mode()) {
      case Scene::Mode::silent:
        return Error{Errc::timeout, "no reply"};
      case Scene::Mode::hangs:
        return scene_.hang();
      default:
        break;
    }
    return drivers::SelfTest{true, {std::chrono::milliseconds{3}}, std::string{what}};
  }
  Result<wire::Status> poll(MonoTime) override {
    ++scene_.asked;
    switch (scene_.mode()) {
      case Scene::Mode::silent:
        return Error{Errc::timeout, "no reply"};
      case Scene::Mode::gone:
        return Error{Errc::disconnected, "gone"};
      case Scene::Mode::hangs:
        return scene_.hang();
      default:
        break;
    }
    wire::Status out;
    out.device = wire::DeviceState::online;
    out.evidence = wire::Evidence::protocol_reply;
    if (scene_.mode() == Scene::Mode::there) out.evidence = wire::Evidence::presence_only;
    out.measurements.push_back({"temperature_celsius", 40});
    return out;
  }
  void close() noexcept override {}

 private:
  Scene& scene_;
};

class ScenePort final : public drivers::Port {
 public:
  ScenePort(Scene& scene, const Clock& clock) : scene_(scene), clock_(clock) {}
  Result<void> write(std::span<const std::uint8_t>, MonoTime) override { return {}; }
  Result<std::size_t> read(std::span<std::uint8_t>, MonoTime) override {
    return Error{Errc::timeout, "x"};
  }
  void discard() override {}
  void cancel() noexcept override { scene_.cancel(); }
  MonoTime now() const override { return clock_.mono(); }

 private:
  Scene& scene_;
  const Clock& clock_;
};

/// Remembers what was recorded and lets a test wait for it.
class Notebook final : public Recorder {
 public:
  void state(const std::string& device, const wire::Status& status, bool proven) override {
    const std::lock_guard lock{mutex_};
    states_.push_back({device, status});
    proven_.push_back(proven);
    changed_.notify_all();
  }
  void sample(const std::string& device, const std::vector<wire::Measurement>&) override {
    const std::lock_guard lock{mutex_};
    samples_.push_back(device);
    changed_.notify_all();
  }
  void note(const std::string& code, const std::string& device,
            const std::string& detail) override {
    const std::lock_guard lock{mutex_};
    notes_.push_back(code + " " + device + " " + detail);
    changed_.notify_all();
  }

  /// The status recorded as number `count` (from 1), waiting for it.
  std::optional<wire::Status> state_number(std::size_t count) {
    std::unique_lock lock{mutex_};
    const auto there = [&] { return states_.size() >= count; };
    if (!changed_.wait_for(lock, std::chrono::seconds{20}, there)) return std::nullopt;
    return states_[count - 1].second;
  }
  bool samples_reach(std::size_t count) {
    std::unique_lock lock{mutex_};
    const auto there = [&] { return samples_.size() >= count; };
    return changed_.wait_for(lock, std::chrono::seconds{20}, there);
  }
  std::size_t sampled() const {
    const std::lock_guard lock{mutex_};
    return samples_.size();
  }
  /// Waits until this was noted: "code device detail".
  bool noted(const std::string& text) {
    std::unique_lock lock{mutex_};
    const auto there = [&] { return std::ranges::find(notes_, text) != notes_.end(); };
    return changed_.wait_for(lock, std::chrono::seconds{20}, there);
  }
  std::size_t notes() const {
    const std::lock_guard lock{mutex_};
    return notes_.size();
  }
  std::size_t states() const {
    const std::lock_guard lock{mutex_};
    return states_.size();
  }
  bool proven(std::size_t index) const {
    const std::lock_guard lock{mutex_};
    return proven_.at(index);
  }
  std::string device(std::size_t index) const {
    const std::lock_guard lock{mutex_};
    return states_.at(index).first;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<std::string, wire::Status>> states_;
  std::vector<bool> proven_;  ///< of each state
  std::vector<std::string> samples_;
  std::vector<std::string> notes_;
};

}  // namespace kw::agent
