#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/outbox/outbox.hpp"
#include "common/clock.hpp"
#include "tests/simulation/counters.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::simulation {

/// What is true, written down beside the programs: every event whose append has returned, what the
/// collector acknowledged, what it was told of each device. Whatever contradicts it is a violation;
/// the first one of a seed is kept.
class Ledger {
 public:
  Ledger(Counters& counters, std::size_t kiosks) : counters_(counters), kiosks_(kiosks) {}

  struct Entry {
    std::uint64_t content = 0;  ///< hash of the event without its times; a gap: 0
    bool replaced = false;      ///< the kiosk has it no more: its outbox is an older copy
    bool stored_then = false;   ///< and the collector had it when that was done
  };
  using Entries = std::map<std::uint64_t, Entry>;  ///< by number
  struct Kiosk {
    std::vector<std::uint64_t> order;  ///< epochs as they were drawn
    std::map<std::uint64_t, Entries> epochs;
    std::map<std::uint64_t, std::uint64_t> acked;  ///< told by the collector and not taken back
    bool may_drop = false;                         ///< its ceiling is low or its disk was full
    /// A replay may reach back too far: its clock was set forward, so that what it keeps looks
    /// older than it is, or its outbox is an older copy.
    bool may_not_keep = false;
    bool restored = false;                      ///< its outbox was once put back
    std::map<std::string, pb::Status> written;  ///< device → as the outbox wrote it last
  };
  Kiosk& of(int kiosk) { return kiosks_[static_cast<std::size_t>(kiosk)]; }
  const std::vector<Kiosk>& kiosks() const { return kiosks_; }

  void begin_epoch(int kiosk, std::uint64_t epoch);
  /// The newest rows of the outbox that are not known yet. Not `durable`: the outbox is in memory,
  /// because its disk took no file; then they may be lost.
  /// Returns how many of them.
  std::size_t note(int kiosk, agent::Outbox& outbox, std::size_t at_most, bool durable);
  /// A run begins with what the outbox knows of the devices: what was written last, or what the run
  /// before wrote while it died (`unheard`).
  void begin_run(int kiosk, agent::Outbox& outbox, bool unheard);
  /// A device's status was written: what persists keeps the position that began it.
  void note_status(int kiosk, const pb::Status& status);
  /// The kiosk's outbox is now this older copy.
  void outbox_replaced(int kiosk, agent::Outbox& outbox,
                       const std::map<std::uint64_t, std::uint64_t>& stored);

  void collector_said(int kiosk, const pb::Envelope& envelope, bool sole_connection);
  void collector_read(int kiosk, const pb::Envelope& envelope, bool quarantined);
  /// A new process: nothing is known of what it has been told.
  void collector_began() { known_.clear(); }
  /// Whether the collector, by what it has read, may hold this fault for true. One that came back
  /// within its clear time goes on under the position that began it first.
  bool may_be_ordered(int kiosk, const std::string& device, const std::string& code) const;

  enum class Broken { lost, duplicated, out_of_order, unnamed_gap, start_failure, other };
  void violate(Broken how, std::string what);
  bool violated() const { return !violation_.empty(); }
  const std::string& violation() const { return violation_; }

  bool collector_disk_was_full = false;
  bool collector_restored = false;

 private:
  struct Known {
    std::size_t epoch = 0;  ///< its place in `order`
    std::uint64_t seq = 0;
    std::set<std::string> conditions;
  };
  void learn(int kiosk, const pb::Status& status, std::uint64_t epoch, std::uint64_t seq);

  Counters& counters_;
  std::vector<Kiosk> kiosks_;
  std::map<std::pair<int, std::string>, Known> known_;
  std::string violation_;
};

/// Of an event, by which two of them are told apart; its times do not count.
std::uint64_t content_of(pb::Event event);

}  // namespace kw::simulation
