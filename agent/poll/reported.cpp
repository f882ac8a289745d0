#include "agent/poll/reported.hpp"

#include <algorithm>
#include <utility>

#include "common/wire/conditions.hpp"

namespace kw::agent {
namespace {

constexpr int failures_most = 1'000;  // far more than a limit can be

wire::Condition failing_condition(const DeviceResult& result) {
  return wire::condition(*wire::find_condition("results-failing"), result.vendor_code,
                         result.detail);
}

/// It worked, so it had what it needs; how much is left is not known.
void refute_end(wire::Consumable& consumable) {
  const bool ended = consumable.state == wire::ConsumableState::out ||
                     consumable.state == wire::ConsumableState::jammed;
  if (!ended || consumable.direction == wire::Direction::bin) return;
  consumable.state = wire::ConsumableState::unknown;
  consumable.available.reset();
  consumable.percent.reset();
}

/// "Full" or "80 %" of a sensor that nobody has read since: it may have been used up meanwhile.
/// That something is low or full to the brim only gets worse.
bool is_past(const wire::Consumable& consumable) {
  const bool sensed = consumable.source == wire::LevelSource::flag ||
                      consumable.source == wire::LevelSource::measured;
  return sensed && (consumable.state == wire::ConsumableState::full ||
                    consumable.state == wire::ConsumableState::ok);
}

}  // namespace

Reported::Reported(const ResultLimits& limits, std::optional<Kept> before) : limits_(limits) {
  if (!before) return;
  last_ = std::move(before->last);
  failed_ = before->failed;
  // The limits may be others than those it was kept by.
  if (failed_ < limits_.failures) return;
  failing_ = before->failing ? std::move(before->failing) : last_;
}

void Reported::add(DeviceResult result, MonoTime now) {
  result.at = std::min(result.at, now);
  if (last_ && result.at < last_->at) return;
  // What is long ago is no part of the same row.
  if (result.worked || !last(now)) {
    failed_ = 0;
    failing_.reset();
  }
  if (!result.worked) failed_ = std::min(failed_ + 1, failures_most);
  // Later failures word it differently: that is no change of state.
  if (failed_ >= limits_.failures && !failing_) failing_ = result;
  last_ = std::move(result);
  told_ = true;
}

std::optional<MonoTime> Reported::last(MonoTime now) const {
  if (!last_ || now - last_->at > limits_.age) return std::nullopt;
  return last_->at;
}

std::optional<Reported::Kept> Reported::kept() const {
  if (!last_) return std::nullopt;
  return Kept{*last_, failed_, failing_};
}

bool Reported::refutes(const std::optional<Heard>& heard, MonoTime now) const {
  if (!last(now) || !last_->worked) return false;
  return heard ? last_->at > heard->at : told_;
}

std::optional<wire::Status> Reported::stands_for(Errc why, MonoTime missed_since,
                                                 const std::optional<Heard>& heard,
                                                 MonoTime now) const {
  const auto at = last(now);
  if (!at) return std::nullopt;
  // A device that does not answer the application either is not held: it is silent.
  const bool held =
      why == Errc::busy || (why == Errc::timeout && last_->worked && *at > missed_since);
  if (!held) return std::nullopt;
  wire::Status out;
  out.device = wire::DeviceState::online;
  out.media = wire::Media::unknown;
  out.evidence = wire::Evidence::driver_report;
  if (heard) {
    const bool refuted = refutes(heard, now);
    out.consumables = heard->status.consumables;
    std::erase_if(out.consumables, is_past);
    if (refuted) {
      for (auto& consumable : out.consumables) refute_end(consumable);
    }
    for (const auto& condition : heard->status.conditions) {
      const bool over = refuted && condition.severity == wire::Severity::fault;
      if (!over && condition.code != "results-failing") out.conditions.push_back(condition);
    }
  }
  if (failing_) out.conditions.push_back(failing_condition(*failing_));
  return out;
}

std::optional<wire::Status> Reported::of_present(const wire::Status& seen, MonoTime now) const {
  const bool no_more =
      seen.evidence == wire::Evidence::presence_only && seen.device == wire::DeviceState::online;
  if (!no_more || !last(now)) return std::nullopt;
  auto out = seen;
  out.evidence = wire::Evidence::driver_report;
  if (failing_) out.conditions.push_back(failing_condition(*failing_));
  return out;
}

std::optional<wire::Condition> Reported::beside_poll(MonoTime now) const {
  if (!last(now) || !failing_) return std::nullopt;
  auto out = failing_condition(*failing_);
  out.severity = wire::Severity::warning;
  return out;
}

}  // namespace kw::agent
