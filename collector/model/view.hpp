#pragma once

#include <algorithm>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "collector/model/values.hpp"

namespace kw::collector {

/// All that judging one terminal may look at: that terminal's rows and nothing else.
struct TerminalView {
  Terminal terminal;
  std::vector<Device> devices;
  std::vector<Fault> faults;  ///< open ones, and late ones not yet closed by history
  std::vector<Timer> timers;
  std::vector<Order> orders;  ///< of the faults above, while they can still move
  bool switched_off = false;  ///< announced its shutdown
  Position power_as_of;       ///< up to where power events are reflected in that
  std::optional<Maintenance> maintenance;

  Device* device(std::string_view id) {
    const auto it = std::ranges::find(devices, id, &Device::id);
    return it == devices.end() ? nullptr : &*it;
  }
  Fault* open_fault(std::string_view subject, std::string_view code) {
    const auto it = std::ranges::find_if(faults, [&](const Fault& f) {
      return f.subject == subject && f.code == code && !f.cleared_at && !f.learned_late;
    });
    return it == faults.end() ? nullptr : &*it;
  }
  Order* order(std::string_view id) {
    const auto it = std::ranges::find(orders, id, &Order::id);
    return it == orders.end() ? nullptr : &*it;
  }
};

// What a stage wants changed. The stage has applied it to its view already; the store applies it to
// the tables.
struct DeviceChanged {
  Device device;
};
struct FaultOpened {
  Fault fault;
};
/// A fault that was taken for over is not: the same row goes on, with a new order.
struct FaultReopened {
  std::string id;
  std::string order_id;
  std::string suppressed_by;
};
/// An open fault got the order that was held back, or is held back for another reason than before.
struct FaultOrdered {
  std::string id;
  std::string order_id;
  std::string suppressed_by;
};
struct FaultCleared {
  std::string id;
  WallTime at;
  std::string why;
};
/// A late fault that history shows to have been shorter than its rule's hold.
struct FaultForgotten {
  std::string id;
};
struct TimerSet {
  Timer timer;
};
struct TimerDropped {
  Timer timer;
};
struct OrderOpened {
  Order order;
};
struct OrderMoved {
  OrderStep step;
  std::string assignee;
};
struct MaintenanceChanged {
  std::optional<Maintenance> now;
};
struct PowerChanged {
  bool switched_off;
  Position as_of;
  WallTime at;
};
struct Measured {
  std::string device;
  std::string sample;  ///< pb::Sample
  Position as_of;
  WallTime at;
};
/// Statistics, one delta: faults opened of a code on a local day (clause 9.5 e).
struct FaultCounted {
  std::string day;  ///< "2026-11-22" in the project's fixed UTC offset
  std::string subject;
  std::string code;
  Level level;
  bool late;
};
struct Audited {
  AuditEntry entry;
};

using Change = std::variant<DeviceChanged, FaultOpened, FaultReopened, FaultOrdered, FaultCleared,
                            FaultForgotten, TimerSet, TimerDropped, OrderOpened, OrderMoved,
                            MaintenanceChanged, PowerChanged, Measured, FaultCounted, Audited>;
using Changes = std::vector<Change>;

}  // namespace kw::collector
