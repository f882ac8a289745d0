#include "agent/debounce/flapping.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "agent/debounce/worst.hpp"
#include "common/wire/conditions.hpp"

namespace kw::agent {
namespace {

/// Conditions that come and go with every citizen.
constexpr std::array<std::string_view, 1> in_normal_use{"output-not-taken"};

/// What flaps: everything else of a status may change as often as it likes.
struct Trouble {
  int level = 0;  ///< 0 none, 1 warning, 2 fault
  std::set<std::string, std::less<>> codes;
  bool operator==(const Trouble&) const = default;
};

Trouble trouble_of(wire::Status status) {
  std::erase_if(status.conditions, [](const wire::Condition& condition) {
    return std::ranges::find(in_normal_use, condition.code) != in_normal_use.end();
  });
  Trouble out;
  for (auto& condition : status.conditions) out.codes.insert(std::move(condition.code));
  const auto health = wire::health_of(status);
  if (health == wire::Health::warning) out.level = 1;
  if (health == wire::Health::fault) out.level = 2;
  return out;
}

/// The business application has the port: that says nothing of the device.
bool nothing_heard(const wire::Status& status) {
  return status.evidence == wire::Evidence::shared_busy;
}

}  // namespace

bool Flapping::counts(const wire::Status& status) const {
  return heard_ && !nothing_heard(status) && trouble_of(*heard_) != trouble_of(status);
}

bool Flapping::too_many(MonoTime now) {
  if (limits_.changes == 0) return false;
  changes_.push_back(now);
  std::erase_if(changes_, [&](MonoTime at) { return now - at > limits_.window; });
  return std::cmp_greater_equal(changes_.size(), limits_.changes);
}

wire::Status Flapping::marked(wire::Status status) const {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  const auto limit = fmt::format("{} changes within {} s", limits_.changes,
                                 duration_cast<seconds>(limits_.window).count());
  status.conditions.push_back(wire::condition(*wire::find_condition("flapping"), {}, limit));
  return status;
}

std::optional<wire::Status> Flapping::changed(wire::Status status, MonoTime now) {
  const bool counted = counts(status);
  const bool told = std::exchange(told_, true);
  const auto before = std::exchange(truth_, status);
  if (!nothing_heard(status)) heard_ = status;
  if (counted) last_change_ = now;
  if (!held_) {
    if (!counted || !too_many(now)) return status;
    // Both sides between which it goes to and fro; what else there is will come up.
    held_ = marked(worst(*before, status));
    changes_.clear();
    held_back_ = 0;
    return held_;
  }
  ++held_back_;
  auto worse = worst(*held_, status);
  const bool same = wire::same_state(worse, *held_) && worse.identity == held_->identity;
  held_ = std::move(worse);
  if (same && told) return std::nullopt;
  return held_;
}

std::optional<Flapping::Ended> Flapping::calm(MonoTime now) {
  if (!held_ || now - last_change_ < limits_.calm) return std::nullopt;
  held_.reset();
  told_ = true;
  return Ended{*truth_, held_back_};
}

}  // namespace kw::agent
