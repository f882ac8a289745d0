#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/wire/status.hpp"

/// Plain values that the stages pass on. No logic beyond comparison.
namespace kw::collector {

/// The store's own number of a terminal; never leaves the collector.
using TerminalKey = std::int64_t;

/// Where an event stands among all events of its terminal: epochs in the order in which the kiosk
/// drew them, then the number within the epoch. Time is never a key.
struct Position {
  std::int64_t epoch_no = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const Position&) const = default;
};

/// The event that began something: the identity that a fault keeps, whatever order news of it
/// arrives in.
struct Since {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  WallTime at{};

  bool same(const Since& other) const { return epoch == other.epoch && seq == other.seq; }
};

/// A condition that a device has, with its beginning.
struct ActiveCondition {
  wire::Condition what;
  Since since;
};

/// 终端 as the writer knows it.
struct Terminal {
  TerminalKey key = 0;
  std::string code;
  std::string name;
};

/// One device's row.
struct Device {
  std::string id;
  std::string driver;
  std::string kind;
  bool enabled = true;
  bool retired = false;
  Position as_of;
  wire::Health health = wire::Health::unknown;
  std::string status;  ///< pb::Status, as received
  Since since;         ///< since when the status is as it is
  std::vector<ActiveCondition> conditions;
};

enum class Level : std::uint8_t { general, severe };  ///< 一般, 严重

/// One open-to-clear period of one code on one subject. Key: terminal, subject, code, since.
struct Fault {
  std::string id;       ///< UUIDv7
  std::string subject;  ///< device id; empty: the terminal itself
  std::string code;
  Level level = Level::general;
  Since since;
  WallTime opened_at{};
  std::optional<WallTime> cleared_at;
  std::string cleared_why;
  bool learned_late = false;  ///< from history: no order is ever made of it
  std::string order_id;
  std::string evidence;  ///< pb::Status at opening: pruning never orphans provenance
  /// Why it has no order of its own now: "maintenance", "terminal-silent", "recovered" (it was over
  /// when it was learned of; within its clear time it may come back and get one); empty: nothing
  /// holds it back.
  std::string suppressed_by;
};

/// 维护: people work on the terminal; faults are recorded, orders wait until it is over.
struct Maintenance {
  WallTime since{};
  std::string reason;
  std::string by;                 ///< who set it
  std::optional<WallTime> until;  ///< ends by itself then
};

/// 终端状态; which one holds is decided in stats/terminals_by_state.
enum class TerminalState : std::uint8_t { maintenance, switched_off, offline, fault, online };
inline constexpr std::array all_terminal_states{TerminalState::maintenance,
                                                TerminalState::switched_off, TerminalState::offline,
                                                TerminalState::fault, TerminalState::online};

enum class TimerKind : std::uint8_t {
  hold,         ///< a condition becomes a fault
  clear,        ///< a fault that stopped is over
  silence,      ///< a terminal that says nothing becomes a fault; the collector's own time
  maintenance,  ///< a maintenance ends by itself; the collector's own time
  command,      ///< the first of the terminal's open commands expires; the collector's own time
};
/// Whether it belongs to a device, and so fires in event time.
constexpr bool of_device(TimerKind kind) {
  return kind == TimerKind::hold || kind == TimerKind::clear;
}

struct Timer {
  TimerKind kind = TimerKind::hold;
  std::string subject;
  std::string code;
  Since since;
  WallTime due{};
  bool by_wall = false;  ///< begun by a snapshot: fires by the clock even while a backlog drains

  bool same(const Timer& o) const {
    return kind == o.kind && subject == o.subject && code == o.code;
  }
};

/// 工单 states of spec section 7.4.
enum class OrderState : std::uint8_t {
  raised,
  dispatched,
  accepted,
  appointment,
  en_route,
  on_site,
  resolved,
  confirmed,
  closed,
  self_recovered,
  suspended,
  returned,
  cancelled,
};

enum class OrderAction : std::uint8_t {
  dispatch,
  accept,
  appoint,
  depart,
  arrive,
  resolve,
  confirm,
  waive_confirmation,
  close,
  recover,
  send_back,
  cancel,
};

struct Order {
  std::string id;      ///< UUIDv7
  std::string number;  ///< what people say on the phone: "20261122-000017"
  std::string fault_id;
  TerminalKey terminal = 0;
  std::string subject;
  std::string code;
  Level level = Level::general;
  wire::Action needs = wire::Action::none;
  OrderState state = OrderState::raised;
  std::string assignee;
  WallTime created_at{};
};

struct OrderStep {
  std::string order_id;
  OrderAction action = OrderAction::dispatch;
  OrderState from = OrderState::raised;
  OrderState to = OrderState::raised;
  std::string actor;
  std::string note;
  WallTime at{};
};

/// Who did what to what, in the same transaction as the deed.
struct AuditEntry {
  WallTime at{};
  std::string actor;
  std::string from;    ///< network address, "host" for the collector's own machine, "" for itself
  std::string action;  ///< "order.accept", "token.new" …
  std::string object;
  std::string result;  ///< "ok" or the reason of a refusal
  std::string before;
  std::string after;
};

std::string_view name(Level v);
std::string_view name(TerminalState v);
std::string_view name(TimerKind v);
std::string_view name(OrderState v);
std::string_view name(OrderAction v);
std::optional<OrderState> order_state_from(std::string_view text);

}  // namespace kw::collector
