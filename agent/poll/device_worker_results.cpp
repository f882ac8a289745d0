// What a device's own word, its silence and what applications report of it come to together.
#include <utility>

#include "agent/poll/device_worker.hpp"
#include "common/log.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t results_most = 64;

}  // namespace

void DeviceWorker::report(std::size_t entry, DeviceResult result) {
  const std::lock_guard lock{mutex_};
  // Only a stuck driver lets them pile up; then the last ones say how the device does.
  if (told_.size() == results_most) told_.pop_front();
  told_.push_back({entry, std::move(result)});
  changed_.notify_all();
}

void DeviceWorker::take_result(std::size_t entry, DeviceResult result) {
  auto& polled = devices_[entry];
  const auto now = clock_.mono();
  log::debug("device-result", {{"device", polled.device.name}, {"worked", result.worked}});
  polled.results.add(std::move(result), now);
  if (polled.missed_as) {
    conclude_missed(entry, now);
  } else if (polled.heard && !polled.missed_since) {
    conclude_heard(entry, false, now);
  } else {
    return;  // not looked at yet, or a miss that is not believed: the next look says
  }
  auto looks = board_.all();
  if (const auto look = looks.find(polled.device.name); look != looks.end()) {
    look->second.reported_at = polled.reported_at;
    board_.put(polled.device.name, std::move(look->second));
  }
}

void DeviceWorker::conclude_heard(std::size_t entry, bool other_unit, MonoTime now) {
  auto& polled = devices_[entry];
  polled.reported_at.reset();
  auto status = polled.heard->status;
  if (supplies_ != nullptr) status = supplies_->heard(polled.device.name, std::move(status));
  if (auto stands = polled.results.of_present(status, now)) {
    status = std::move(*stands);
    by_report(polled, now);
  } else if (auto beside = polled.results.beside_poll(now)) {
    status.conditions.push_back(std::move(*beside));
  }
  conclude(entry, std::move(status), other_unit, now);
}

void DeviceWorker::by_report(Polled& polled, MonoTime now) {
  polled.reported_at = polled.results.last(now);
  if (now < polled.next_sample) return;
  const std::chrono::duration<double> age = now - *polled.reported_at;
  recorder_.sample(polled.device.name, {{"report_age_seconds", age.count()}});
  polled.next_sample = now + timing_.sample;
}

void DeviceWorker::conclude_missed(std::size_t entry, MonoTime now) {
  auto& polled = devices_[entry];
  auto stands =
      polled.results.stands_for(polled.missed_for, *polled.missed_since, polled.heard, now);
  polled.reported_at.reset();
  if (stands) by_report(polled, now);
  auto status = stands ? std::move(*stands) : *polled.missed_as;
  if (supplies_ != nullptr) status = supplies_->unheard(polled.device.name, std::move(status));
  conclude(entry, std::move(status), false, now);
}

bool DeviceWorker::proves(const Polled& polled, const wire::Status& status, MonoTime now) {
  if (status.evidence != wire::Evidence::driver_report) return false;
  const bool seen = !polled.missed_since;  // that it is there, and nothing wrong with it
  return seen || polled.results.refutes(polled.heard, now);
}

void DeviceWorker::conclude(std::size_t entry, wire::Status status, bool other_unit, MonoTime now) {
  auto& polled = devices_[entry];
  auto change = polled.debounce.observe(status, now);
  // The same status, but now an application has worked with the device: the outbox may keep faults
  // from before this run, which that ends.
  const bool proven =
      !polled.proven && !polled.debounce.decides_at() && proves(polled, status, now);
  if (change || other_unit || proven) tell(polled, change ? *change : status, now);
  if (const auto at = polled.debounce.decides_at()) schedule_.again_at(entry, *at);
}

}  // namespace kw::agent
