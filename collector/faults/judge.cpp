#include "collector/faults/judge.hpp"

#include <algorithm>
#include <utility>

#include "collector/orders/desk.hpp"
#include "collector/stats/faults_by_code_and_day.hpp"
#include "common/wire/codec.hpp"

namespace kw::collector {
namespace {

constexpr std::size_t devices_remembered = 4 * wire::devices_per_terminal;

const ActiveCondition* find(const std::vector<ActiveCondition>& conditions, std::string_view code) {
  const auto it = std::ranges::find_if(
      conditions, [&](const ActiveCondition& c) { return c.what.code == code; });
  return it == conditions.end() ? nullptr : &*it;
}

bool holds(const std::vector<ActiveCondition>& conditions, std::string_view code,
           const Since& since) {
  return std::ranges::any_of(conditions, [&](const ActiveCondition& c) {
    return c.what.code == code && c.since.same(since);
  });
}

bool certain_of(const wire::Status& status) {
  return status.device != wire::DeviceState::unknown &&
         status.device != wire::DeviceState::starting;
}

std::vector<ActiveCondition> conditions_of(const pb::Status& status, const wire::Status& plain,
                                           const Since& self, const Judge::Resolve& resolve) {
  std::vector<ActiveCondition> out;
  for (int i = 0; i < status.condition_size(); ++i) {
    const auto& c = status.condition(i);
    out.push_back(
        {plain.conditions[static_cast<std::size_t>(i)], c.has_since() ? resolve(c.since()) : self});
  }
  return out;
}

}  // namespace

Judge::Judge(TerminalView& view, const Bench& bench, Changes& out)
    : view_(view), bench_(bench), out_(out) {}

void Judge::status(const pb::Status& status, Position position, const Since& self,
                   const Resolve& resolve, bool snapshot) {
  snapshot_ = snapshot;
  const wire::Status plain = wire::from_wire(status);
  auto conditions = conditions_of(status, plain, self, resolve);
  Device* device = view_.device(status.device());
  if (device == nullptr) {
    // A configuration holds 64; whoever names ever new devices fills no table.
    if (view_.devices.size() >= devices_remembered) return;
    view_.devices.push_back({.id = status.device()});
    device = &view_.devices.back();
  }
  if (position <= device->as_of) {
    history(*device, conditions, status.SerializeAsString(), self.at);
    return;
  }
  // "Unknown" tells nothing: faults neither open nor end by it.
  const bool certain = certain_of(plain);
  if (!foreseen_ && !plain.enabled) latest_[device->id].clear();
  if (!foreseen_ && plain.enabled && certain) latest_[device->id] = conditions;
  // A snapshot tells of one device out of turn: the others' timers are not its business.
  fire_until(self.at, snapshot ? std::string_view{device->id} : std::string_view{});
  device->as_of = position;
  device->retired = false;
  device->enabled = plain.enabled;
  device->health = wire::health_of(plain);
  device->since = status.has_since() ? resolve(status.since()) : self;
  device->status = status.SerializeAsString();
  if (plain.enabled) {
    live(*device, std::move(conditions), self.at, certain);
  } else {
    forget_device(*device, self.at, "disabled");
  }
  out_.push_back(DeviceChanged{*device});
}

void Judge::foresee(const pb::Status& status, Position position, const Since& self,
                    const Resolve& resolve) {
  foreseen_ = true;
  const auto* device = view_.device(status.device());
  if (device != nullptr && position <= device->as_of) return;  // history
  const wire::Status plain = wire::from_wire(status);
  if (!plain.enabled) {
    latest_[status.device()].clear();
  } else if (certain_of(plain)) {
    latest_[status.device()] = conditions_of(status, plain, self, resolve);
  }
}

bool Judge::over(const Fault& fault, bool since) const {
  const auto latest = latest_.find(fault.subject);
  if (latest == latest_.end()) return false;
  const auto* still = find(latest->second, fault.code);
  return still == nullptr || (since && !still->since.same(fault.since));
}

void Judge::live(Device& device, std::vector<ActiveCondition> conditions, WallTime at,
                 bool certain) {
  if (!certain) return;
  close_late(device.id, device.driver, conditions, at);
  const auto before = std::exchange(device.conditions, std::move(conditions));
  for (const auto& was : before) {
    const auto* still = find(device.conditions, was.what.code);
    if (still == nullptr) {
      stop(device.id, device.driver, was.what.code, at);
    } else if (!still->since.same(was.since)) {
      // It ended and began again between two looks: two periods, not one.
      if (auto* fault = view_.open_fault(device.id, was.what.code)) {
        clear(*fault, still->since.at, "recovered");
      }
      drop(TimerKind::hold, device.id, was.what.code);
    }
  }
  for (const auto& c : device.conditions) {
    const Rule& rule = bench_.rules.of(device.driver, c.what);
    if (!rule.opens) continue;
    if (auto* fault = view_.open_fault(device.id, c.what.code)) {
      drop(TimerKind::clear, device.id, c.what.code);
      order_if_free(*fault);
      continue;
    }
    const WallTime due = c.since.at + rule.hold;
    if (due <= at) {
      drop(TimerKind::hold, device.id, c.what.code);
      open(&device, c.what.code, c.what.severity, c.what.action, c.since, due, device.status);
    } else {
      set({TimerKind::hold, device.id, c.what.code, c.since, due, snapshot_});
    }
  }
}

void Judge::stop(std::string_view subject, std::string_view driver, std::string_view code,
                 WallTime at) {
  drop(TimerKind::hold, subject, code);
  Fault* fault = view_.open_fault(subject, code);
  if (fault == nullptr) return;
  const Rule& rule = bench_.rules.of(driver, code, wire::Severity::fault);
  if (rule.clear <= Duration::zero()) {
    clear(*fault, at, "recovered");
  } else {
    set({TimerKind::clear, std::string{subject}, std::string{code}, fault->since, at + rule.clear,
         snapshot_});
  }
}

void Judge::open(const Device* device, const std::string& code, wire::Severity severity,
                 wire::Action needs, const Since& since, WallTime at, std::string evidence) {
  const std::string subject = device != nullptr ? device->id : std::string{};
  const Rule& rule =
      bench_.rules.of(device != nullptr ? device->driver : std::string{}, code, severity);
  if (auto known = bench_.known_fault(subject, code, since)) {
    // It was taken for over and is not: the device was disabled meanwhile, or its outbox is an
    // older copy. The same fault goes on, with an order of its own for what is to be done now.
    if (!known->cleared_at) return;
    known->cleared_at.reset();
    known->cleared_why.clear();
    known->learned_late = false;
    const auto order = order_of(*known, rule, needs, over(*known, true));
    out_.push_back(FaultReopened{known->id, known->order_id, known->suppressed_by});
    out_.insert(out_.end(), order.begin(), order.end());
    std::erase_if(view_.faults, [&](const Fault& f) { return f.id == known->id; });
    view_.faults.push_back(std::move(*known));
    return;
  }
  Fault fault{.id = bench_.new_id(),
              .subject = subject,
              .code = code,
              .level = rule.level,
              .since = since,
              .opened_at = at,
              .evidence = std::move(evidence)};
  const auto order = order_of(fault, rule, needs, over(fault, true));
  view_.faults.push_back(fault);
  out_.push_back(FaultOpened{fault});
  out_.insert(out_.end(), order.begin(), order.end());
  count(fault);
}

void Judge::clear(Fault& fault, WallTime at, std::string_view why) {
  fault.cleared_at = std::max(at, fault.opened_at);
  fault.cleared_why = why;
  drop(TimerKind::clear, fault.subject, fault.code);
  out_.push_back(FaultCleared{fault.id, *fault.cleared_at, fault.cleared_why});
  const auto news = recover_order(view_, fault, bench_);
  out_.insert(out_.end(), news.begin(), news.end());
}

void Judge::history(const Device& device, const std::vector<ActiveCondition>& conditions,
                    std::string_view status, WallTime at) {
  close_late(device.id, device.driver, conditions, at);
  for (const auto& c : conditions) {
    const Rule& rule = bench_.rules.of(device.driver, c.what);
    if (!rule.opens || holds(device.conditions, c.what.code, c.since)) continue;
    if (bench_.known_fault(device.id, c.what.code, c.since)) continue;
    const auto same = [&](const Fault& f) {
      return f.subject == device.id && f.code == c.what.code && f.since.same(c.since);
    };
    if (std::ranges::any_of(view_.faults, same)) continue;
    Fault fault{.id = bench_.new_id(),
                .subject = device.id,
                .code = c.what.code,
                .level = rule.level,
                .since = c.since,
                .opened_at = c.since.at + rule.hold,
                .learned_late = true,
                .evidence = std::string{status}};
    view_.faults.push_back(fault);
    out_.push_back(FaultOpened{std::move(fault)});
  }
}

void Judge::close_late(std::string_view subject, std::string_view driver,
                       const std::vector<ActiveCondition>& still, WallTime at) {
  for (auto& fault : view_.faults) {
    if (!fault.learned_late || fault.cleared_at || fault.subject != subject) continue;
    if (holds(still, fault.code, fault.since)) continue;
    fault.cleared_at = at;
    const Rule& rule = bench_.rules.of(driver, fault.code, wire::Severity::fault);
    if (at - fault.since.at < rule.hold) {
      out_.push_back(FaultForgotten{fault.id});
      continue;
    }
    fault.cleared_why = "recovered";
    out_.push_back(FaultCleared{fault.id, std::max(at, fault.opened_at), fault.cleared_why});
    count(fault);
  }
}

void Judge::forget_device(Device& device, WallTime at, std::string_view why) {
  close_late(device.id, device.driver, {}, at);
  for (const auto& c : std::exchange(device.conditions, {})) {
    drop(TimerKind::hold, device.id, c.what.code);
  }
  for (auto& fault : view_.faults) {
    if (fault.subject == device.id && !fault.cleared_at) clear(fault, at, why);
  }
}

void Judge::configured(const google::protobuf::RepeatedPtrField<pb::DeviceRef>& devices,
                       Position position, WallTime at) {
  for (const auto& ref : devices) {
    Device* device = view_.device(ref.device());
    if (device == nullptr) {
      view_.devices.push_back({.id = ref.device()});
      device = &view_.devices.back();
    } else if (device->driver == ref.driver() && device->kind == ref.kind() &&
               device->enabled == !ref.disabled() && !device->retired) {
      continue;
    }
    device->driver = ref.driver();
    device->kind = ref.kind();
    device->enabled = !ref.disabled();
    device->retired = false;
    if (!device->enabled) forget_device(*device, at, "disabled");
    out_.push_back(DeviceChanged{*device});
  }
  for (auto& device : view_.devices) {
    const auto listed = [&](const pb::DeviceRef& ref) { return ref.device() == device.id; };
    if (device.retired || std::ranges::any_of(devices, listed)) continue;
    device.retired = true;
    device.as_of = std::max(device.as_of, position);
    forget_device(device, at, "retired");
    out_.push_back(DeviceChanged{device});
  }
}

void Judge::gone(std::string_view id, Position as_of) {
  if (view_.device(id) != nullptr || view_.devices.size() >= devices_remembered) return;
  view_.devices.push_back({.id = std::string{id}, .retired = true, .as_of = as_of});
  out_.push_back(DeviceChanged{view_.devices.back()});
}

void Judge::sample(const pb::Sample& sample, Position position, WallTime at) {
  out_.push_back(Measured{sample.device(), sample.SerializeAsString(), position, at});
}

void Judge::fire_until(WallTime t, std::string_view subject) {
  for (;;) {
    const Timer* next = nullptr;
    for (const auto& timer : view_.timers) {
      if (!of_device(timer.kind) || timer.due > t) continue;
      if (!subject.empty() && timer.subject != subject) continue;
      if (next == nullptr || timer.due < next->due) next = &timer;
    }
    if (next == nullptr) return;
    fire(Timer{*next});
  }
}

void Judge::fire(const Timer& timer) {
  drop(timer.kind, timer.subject, timer.code);
  if (timer.kind == TimerKind::clear) {
    if (auto* fault = view_.open_fault(timer.subject, timer.code)) {
      clear(*fault, timer.due, "recovered");
    }
    return;
  }
  Device* device = view_.device(timer.subject);
  if (device == nullptr) return;
  const auto* still = find(device->conditions, timer.code);
  if (still != nullptr && still->since.same(timer.since)) {
    open(device, timer.code, still->what.severity, still->what.action, timer.since, timer.due,
         device->status);
  }
}

void Judge::set(Timer timer) {
  const auto it = std::ranges::find_if(view_.timers, [&](const Timer& t) { return t.same(timer); });
  if (it != view_.timers.end()) {
    if (it->due == timer.due && it->since.same(timer.since)) return;
    *it = timer;
  } else {
    view_.timers.push_back(timer);
  }
  out_.push_back(TimerSet{std::move(timer)});
}

bool Judge::drop(TimerKind kind, std::string_view subject, std::string_view code) {
  const auto it = std::ranges::find_if(view_.timers, [&](const Timer& t) {
    return t.kind == kind && t.subject == subject && t.code == code;
  });
  if (it == view_.timers.end()) return false;
  Timer timer = std::move(*it);
  view_.timers.erase(it);
  out_.push_back(TimerDropped{std::move(timer)});
  return true;
}

void Judge::count(const Fault& fault) {
  if (const auto before = bench_.last_cleared(fault.subject, fault.code)) {
    const auto since = fault.opened_at - *before;
    if (since >= Duration::zero() && since < stats::joins_within) return;
  }
  out_.push_back(stats::counted(fault, bench_.utc_offset));
}

}  // namespace kw::collector
