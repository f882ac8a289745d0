#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"

namespace kw::wire {

// The vocabulary of a device's status. Values are XFS4IoT's, spelled in text as XFS4IoT spells them
// (`name()`); where XFS4IoT has no value we add ours and say so.

/// XFS4IoT common.device, and `unknown`, which is ours: nothing can be said (the port is shared and
/// busy, say).
enum class DeviceState : std::uint8_t {
  unknown,
  starting,
  online,
  offline,
  power_off,
  no_device,
  hardware_error,
  user_error,
  device_busy,
  fraud_attempt,
  potential_fraud,
};

/// XFS4IoT cardReader.media and printer.media in one. `not_supported`: the device has no media
/// path.
enum class Media : std::uint8_t {
  not_supported,
  unknown,
  present,
  not_present,
  jammed,
  entering,
  latched,
  retracted,
};

enum class ComponentState : std::uint8_t {
  unknown,
  ok,
  inoperable,
  open,
  closed,
  locked,
  tampered,
  on,
  off,
  fading,
};

/// A supply is full, low, out or jammed; a bin is ok, high, full, missing or inoperative.
enum class ConsumableState : std::uint8_t {
  unknown,
  full,
  low,
  out,
  jammed,
  ok,
  high,
  missing,
  inoperative,
};

enum class Direction : std::uint8_t { supply, bin };

/// Where a level comes from. `unknown`: the device gives none and nobody said.
enum class LevelSource : std::uint8_t { unknown, measured, flag, counted, technician };

/// What a status rests on.
enum class Evidence : std::uint8_t {
  none,
  protocol_reply,
  presence_only,
  driver_report,
  shared_busy,
};

enum class Severity : std::uint8_t { warning, fault };

/// XFS4IoT ErrorEvent.action: who or what is needed. clear: on-site staff; maintenance: an
/// engineer; configuration, softwareError: the software team; reset, suspend: automatic first.
enum class Action : std::uint8_t {
  none,
  reset,
  clear,
  maintenance,
  configuration,
  software_error,
  suspend,
};

/// The standard's 设备状态 as one word, derived by `health_of` and nowhere else.
enum class Health : std::uint8_t { ok, warning, fault, busy, unknown, disabled };

std::string_view name(DeviceState v);
std::string_view name(Media v);
std::string_view name(ComponentState v);
std::string_view name(ConsumableState v);
std::string_view name(Direction v);
std::string_view name(LevelSource v);
std::string_view name(Evidence v);
std::string_view name(Severity v);
std::string_view name(Action v);
std::string_view name(Health v);

struct Component {
  std::string name;  ///< "cover", "cutter", "sam" …
  ComponentState state = ComponentState::unknown;
  bool essential = true;  ///< inoperable: a fault when essential, else a warning
  bool operator==(const Component&) const = default;
};

/// 耗材 (clause 9.3). Unknown stays unknown: an empty optional, never 0.
struct Consumable {
  std::string type;  ///< "receipt_paper", "toner" … (protocols, output devices, section 8)
  Direction direction = Direction::supply;
  ConsumableState state = ConsumableState::unknown;
  LevelSource source = LevelSource::unknown;
  std::string unit;                     ///< percent pages sheets metres count g ml hours
  std::optional<double> available;      ///< in `unit`
  std::optional<double> capacity;       ///< in `unit`
  std::optional<double> percent;        ///< 0 to 100
  std::optional<double> warning_level;  ///< in `unit`
  bool enabled = true;
  /// Mean use in `unit`; unknown before three days of data.
  std::optional<double> use_per_day_7d;
  std::optional<double> use_per_day_30d;
  std::optional<double> days_left;   ///< whole days to empty at that use; told once a day
  std::optional<WallTime> refilled;  ///< when it was refilled last, if that is known
  bool operator==(const Consumable&) const = default;
};

/// One thing that is wrong with a device, by the name that rules, faults and orders go by.
struct Condition {
  std::string code;  ///< lower-case hyphenated PWG keyword where there is one, else our own
  Severity severity = Severity::fault;
  Action action = Action::none;
  std::string vendor_code;  ///< the device's own bytes or code as text: "EOT2=32"
  std::string detail;       ///< facts for the engineer, in the device's terms; no sentence
  bool operator==(const Condition&) const = default;
};

/// A figure that is not a state: CPU load, temperature. Travels as a sample, never judged as state.
struct Measurement {
  std::string name;  ///< snake_case with its unit at the end: "memory_total_bytes"
  double value = 0;
  bool operator==(const Measurement&) const = default;
};

/// What the device said of itself.
struct Identity {
  std::string vendor;
  std::string model;
  std::string serial;
  std::string firmware;
  bool operator==(const Identity&) const = default;
};

/// A device's whole status: never a delta. Measurements and identity do not make a change of state.
struct Status {
  DeviceState device = DeviceState::unknown;
  Media media = Media::not_supported;
  Evidence evidence = Evidence::none;
  bool enabled = true;  ///< 启停状态: configuration, not measured
  std::vector<Component> components;
  std::vector<Consumable> consumables;
  std::vector<Condition> conditions;
  std::vector<Measurement> measurements;
  Identity identity;
};

/// Whether `a` and `b` say the same about the device's state (everything but measurements and
/// identity; a consumable's level counts by whole percent or unit, its use per day does not count).
bool same_state(const Status& a, const Status& b);

/// First that holds: disabled > unknown > fault > warning > busy > ok (data path, section 2).
Health health_of(const Status& status);

}  // namespace kw::wire
