#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/consumables/account.hpp"
#include "agent/outbox/types.hpp"
#include "common/clock.hpp"
#include "common/i18n.hpp"
#include "common/wire/status.hpp"

namespace kw::agent {

/// The consumables of every device, between its poll and debounce. Any thread.
class Supplies {
 public:
  /// `kept`: what an earlier run remembered; a row that cannot be read begins anew.
  Supplies(const Clock& clock, const std::vector<SupplyRow>& kept);

  /// Of what is said to a technician.
  void use(Lang lang);
  /// The devices in force: thresholds, capacities; accounts of devices that are gone are dropped.
  void use(const std::vector<SuppliedDevice>& devices);

  struct Event {
    std::string device;
    std::string type;
    Refilled refilled;
  };
  /// Called for every refill, told or detected, outside the lock, on the thread that brought it.
  void on_refill(std::function<void(const Event&)> told);

  /// The status of a poll that got through, with levels, forecasts and `*-low` conditions.
  wire::Status heard(const std::string& device, wire::Status status);
  /// A status that is not the device's own word (it is not heard, its port is busy, an application
  /// reported): what is known by count is added, nothing is learned from it.
  wire::Status unheard(const std::string& device, wire::Status status);

  /// An application used so much: pages, cards, metres … of the device's consumable `type`; empty:
  /// its only one. Shows in the device's status at its next poll, and is on disk within seconds.
  ///
  /// Errc::missing: no such device; Errc::refused: it is disabled; Errc::invalid: no such type, an
  /// amount that is none, or a unit that cannot be converted; also when the use is noted but no
  /// level can follow, as none is known. Sentences in `lang`.
  Result<void> used(const std::string& device, const std::string& type, double amount,
                    const std::string& unit, Lang lang);

  /// The technician refilled `type` (empty: the only one): it holds `amount` now, or is full.
  /// Errors as `used`, sentences in `in`, else in the configured language.
  Result<Event> refill(const std::string& device, const std::string& type,
                       std::optional<double> amount, std::optional<double> capacity,
                       std::optional<Lang> in = {});

  /// What has changed and should be on disk by now; everything that has changed when `all`.
  std::vector<SupplyRow> unsaved(bool all);

 private:
  struct Entry {
    Account account;
    AccountState saved;
    MonoTime saved_at{};
    bool urgent = false;  ///< what changed cannot be found again by a poll
  };
  struct Device {
    bool enabled = true;
    bool heard = false;  ///< itself: what it has not told of then, it has not
    std::map<std::string, SupplyRules> rules;
    std::map<std::string, Entry> entries;
  };

  Result<std::pair<Device*, std::string>> find(const std::string& device, const std::string& type,
                                               Lang lang);
  Entry& entry(Device& device, const std::string& type);
  void add_levels(Device& device, wire::Status& status, WallTime now);
  const Clock& clock_;
  mutable std::mutex mutex_;
  Lang lang_ = Lang::zh_cn;
  std::map<std::string, Device> devices_;
  std::function<void(const Event&)> told_;
};

}  // namespace kw::agent
