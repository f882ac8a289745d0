// What is judged of the terminal as a whole: power, silence, maintenance, and what they hold back.
#include <algorithm>
#include <utility>

#include "collector/faults/judge.hpp"
#include "collector/orders/desk.hpp"
#include "common/wire/conditions.hpp"

namespace kw::collector {
namespace {

constexpr std::string_view silent_code = "terminal-silent";
constexpr std::string_view second_code = "two-agents";
constexpr std::string_view maintenance_reason = "maintenance";
constexpr std::string_view over_reason = "recovered";

}  // namespace

void Judge::power(const pb::Power& power, Position position, WallTime at) {
  if (position <= view_.power_as_of) return;
  view_.power_as_of = position;
  view_.switched_off = power.kind() == pb::Power::SHUTDOWN;
  out_.push_back(PowerChanged{view_.switched_off, position, at});
}

void Judge::connected(std::int64_t current_epoch_no) {
  drop(TimerKind::silence, {}, silent_code);
  if (auto* fault = view_.open_fault({}, silent_code)) clear(*fault, bench_.now, "reconnected");
  second_agent_left();  // unless it is seen again: nobody may have noted its end
  view_.power_as_of = {current_epoch_no, 0};
  view_.switched_off = false;
  out_.push_back(PowerChanged{false, view_.power_as_of, bench_.now});
}

void Judge::disconnected(WallTime last_heard) {
  if (view_.switched_off || view_.open_fault({}, silent_code) != nullptr) return;
  set({TimerKind::silence,
       {},
       std::string{silent_code},
       {0, 0, last_heard},
       std::max(last_heard + bench_.rules.silence(), bench_.no_silence_before)});
}

void Judge::second_agent() {
  drop(TimerKind::clear, {}, second_code);
  if (view_.open_fault({}, second_code) != nullptr) return;
  // Not an event of the kiosk: the moment takes the place of a position.
  const Since since{0, static_cast<std::uint64_t>(micros(bench_.now)), bench_.now};
  open(nullptr, std::string{second_code}, wire::Severity::fault, wire::Action::configuration, since,
       bench_.now, {});
}

void Judge::second_agent_left() { stop({}, {}, second_code, bench_.now); }

void Judge::silent() {
  const auto is_silence = [](const Timer& t) { return t.kind == TimerKind::silence; };
  const auto it = std::ranges::find_if(view_.timers, is_silence);
  if (it == view_.timers.end()) return;
  Timer timer = *it;  // a copy: dropping erases it from the view
  drop(TimerKind::silence, timer.subject, timer.code);
  // Not an event of the kiosk: the moment it was last heard takes the place of a position.
  const Since since{0, static_cast<std::uint64_t>(micros(timer.since.at)), timer.since.at};
  open(nullptr, std::string{silent_code}, wire::Severity::fault, wire::Action::maintenance, since,
       timer.due, {});
}

bool Judge::silence_runs() const {
  return view_.open_fault({}, silent_code) != nullptr ||
         std::ranges::any_of(view_.timers,
                             [](const Timer& t) { return t.kind == TimerKind::silence; });
}

std::string_view Judge::held_back(const Fault& fault) const {
  if (view_.maintenance) return maintenance_reason;
  // Its devices are symptoms of the terminal's silence.
  return !fault.subject.empty() && silence_runs() ? silent_code : std::string_view{};
}

Changes Judge::order_of(Fault& fault, const Rule& rule, wire::Action needs, bool over_already) {
  fault.order_id.clear();
  fault.suppressed_by.clear();
  if (!rule.orders) return {};
  fault.suppressed_by = over_already ? over_reason : held_back(fault);
  if (!fault.suppressed_by.empty()) return {};
  auto order = open_order(view_, fault, needs, bench_);
  fault.order_id = std::move(order.id);
  return std::move(order.changes);
}

void Judge::order_if_free(Fault& fault) {
  if (fault.suppressed_by.empty() || fault.suppressed_by == held_back(fault)) return;
  if (over(fault, false)) return;
  const auto* device = view_.device(fault.subject);
  auto needs = wire::Action::maintenance;
  auto severity = wire::Severity::fault;
  if (device != nullptr) {
    const auto has = [&](const ActiveCondition& c) { return c.what.code == fault.code; };
    const auto it = std::ranges::find_if(device->conditions, has);
    if (it != device->conditions.end()) {
      needs = it->what.action;
      severity = it->what.severity;
    }
  } else if (const auto* row = wire::find_condition(fault.code)) {
    needs = row->action;
  }
  const auto driver = device != nullptr ? std::string_view{device->driver} : std::string_view{};
  const auto order = order_of(fault, bench_.rules.of(driver, fault.code, severity), needs);
  out_.push_back(FaultOrdered{fault.id, fault.order_id, fault.suppressed_by});
  out_.insert(out_.end(), order.begin(), order.end());
}

void Judge::release() {
  for (auto& fault : view_.faults) {
    if (fault.cleared_at || fault.learned_late) continue;
    // It has stopped already and is only not yet taken for over.
    const auto ending = [&](const Timer& t) {
      return t.kind == TimerKind::clear && t.subject == fault.subject && t.code == fault.code;
    };
    if (std::ranges::none_of(view_.timers, ending)) order_if_free(fault);
  }
}

void Judge::begin_maintenance(Maintenance what) {
  drop(TimerKind::maintenance, {}, {});
  if (what.until) set({TimerKind::maintenance, {}, {}, {0, 0, what.since}, *what.until});
  view_.maintenance = std::move(what);
  out_.push_back(MaintenanceChanged{view_.maintenance});
}

void Judge::end_maintenance() {
  drop(TimerKind::maintenance, {}, {});
  if (!std::exchange(view_.maintenance, std::nullopt)) return;
  out_.push_back(MaintenanceChanged{});
  release();
}

}  // namespace kw::collector
