#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/faults/rules.hpp"
#include "collector/model/view.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::collector {

/// What a judgement needs beside the terminal's own rows.
struct Bench {
  const Rules& rules;
  WallTime now;                             ///< the collector's clock: orders, audit
  std::chrono::minutes utc_offset{480};     ///< by which local days are cut
  WallTime no_silence_before{};             ///< the collector itself could not hear until then
  std::function<std::string()> new_id;      ///< UUIDv7
  std::function<std::string()> new_number;  ///< the next order number
  /// The fault of this key, open or closed, when the store has it.
  std::function<std::optional<Fault>(std::string_view subject, std::string_view code, const Since&)>
      known_fault;
  /// When the last fault of this code on this subject ended.
  std::function<std::optional<WallTime>(std::string_view subject, std::string_view code)>
      last_cleared;
};

/// Pure judgement of one terminal: an event and the time it happened go in, changes come out; the
/// view is moved along, so that the next event sees what this one did. Data path, sections 2 and 5.
class Judge {
 public:
  Judge(TerminalView& view, const Bench& bench, Changes& out);

  /// Says when a condition of the status began; the event itself when it names no position.
  using Resolve = std::function<Since(const pb::Since&)>;

  /// A device's whole status as of `position`. Past the device's as_of it is state and may open and
  /// clear faults; at or before it, it is history.
  /// `snapshot`: told out of turn, so the timers it begins run on the wall clock.
  void status(const pb::Status& status, Position position, const Since& self,
              const Resolve& resolve, bool snapshot);
  /// What a batch tells, said before its events are judged, in their order: no event of it makes an
  /// order for what a later one ends. What is known to be over needs nobody to set out for it.
  void foresee(const pb::Status& status, Position position, const Since& self,
               const Resolve& resolve);
  /// All devices of the kiosk's configuration. Others of the view are retired.
  void configured(const google::protobuf::RepeatedPtrField<pb::DeviceRef>& devices,
                  Position position, WallTime at);
  /// An older event names a device that the configuration as of `as_of` does not have: what the
  /// event and its neighbours tell is history.
  void gone(std::string_view id, Position as_of);
  void power(const pb::Power& power, Position position, WallTime at);
  void sample(const pb::Sample& sample, Position position, WallTime at);

  /// Fires the device timers due at or before `t`, in order; only those of `subject` when given.
  void fire_until(WallTime t, std::string_view subject = {});
  /// The terminal's session opened or ended; collector's time.
  void connected(std::int64_t current_epoch_no);
  void disconnected(WallTime last_heard);
  /// A second agent of this terminal's identity is alive; it is no more. Collector's time.
  void second_agent();
  void second_agent_left();
  /// The silence timer is due.
  void silent();
  /// People work on the terminal: faults open and end as ever, orders wait.
  void begin_maintenance(Maintenance what);
  void end_maintenance();
  /// What was held back and may now have its order gets it: the terminal is back, the maintenance
  /// is over.
  void release();

 private:
  void live(Device& device, std::vector<ActiveCondition> conditions, WallTime at, bool certain);
  void history(const Device& device, const std::vector<ActiveCondition>& conditions,
               std::string_view status, WallTime at);
  void open(const Device* device, const std::string& code, wire::Severity severity,
            wire::Action needs, const Since& since, WallTime at, std::string evidence);
  /// The order of a fault that opens, when its rule wants one and nothing holds it back.
  Changes order_of(Fault& fault, const Rule& rule, wire::Action needs, bool over_already = false);
  void order_if_free(Fault& fault);
  /// What keeps the fault from having an order; empty: nothing. Creation alone is held back:
  /// judging and recovery go on.
  std::string_view held_back(const Fault& fault) const;
  bool silence_runs() const;
  /// The condition is not there any more as far as this judgement is told; with `since`, this very
  /// one.
  bool over(const Fault& fault, bool since) const;
  void clear(Fault& fault, WallTime at, std::string_view why);
  void stop(std::string_view subject, std::string_view driver, std::string_view code, WallTime at);
  void close_late(std::string_view subject, std::string_view driver,
                  const std::vector<ActiveCondition>& still, WallTime at);
  void forget_device(Device& device, WallTime at, std::string_view why);
  void fire(const Timer& timer);
  void set(Timer timer);
  bool drop(TimerKind kind, std::string_view subject, std::string_view code);
  void count(const Fault& fault);

  TerminalView& view_;
  const Bench& bench_;
  Changes& out_;
  bool snapshot_ = false;
  /// By device: what it has by the end of what is judged. Those that tell nothing certain are not
  /// in it.
  std::map<std::string, std::vector<ActiveCondition>, std::less<>> latest_;
  bool foreseen_ = false;  ///< `latest_` comes from `foresee`
};

}  // namespace kw::collector
