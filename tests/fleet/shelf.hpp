#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "agent/outbox/record.hpp"
#include "agent/outbox/types.hpp"

namespace kw::fleet {

/// What an event's number and content make of the chain that the events before it made: two chains
/// are the same when they are of the same events in the same order.
std::uint32_t chained(std::uint32_t chain, std::uint64_t seq, const std::string& body);

/// What a played kiosk has written, in memory, with the face that a Session needs of an outbox. One
/// epoch, no limit but the one that it is asked for: what is acknowledged is forgotten.
class Shelf {
 public:
  Shelf(std::uint64_t epoch, std::string boot_id);

  agent::Appended append(const pb::Event& event, const agent::Seen& seen);
  agent::OutboxView view() const;
  std::optional<pb::Batch> batch_after(std::uint64_t after, const agent::Budget& budget) const;
  /// Calls `each` with the moment in which every newly acknowledged event was written.
  template <class F>
  void acknowledge(std::uint64_t upto, F each) {
    while (!rows_.empty() && rows_.front().seq <= upto) {
      each(MonoTime{std::chrono::microseconds{rows_.front().mono_us}});
      rows_.pop_front();
    }
    if (upto > acked_) acked_ = upto;
  }
  /// False: the collector asks for what is forgotten here.
  bool rewind(std::uint64_t upto) const { return upto >= acked_; }
  void set_clock_offset(std::int64_t offset_us) { offset_us_ = offset_us; }

  std::uint64_t epoch() const { return epoch_; }
  std::uint64_t last() const { return last_; }
  std::uint64_t acked() const { return acked_; }
  /// Of every event written, in order: see `chained`.
  std::uint32_t chain() const { return chain_; }
  /// How often a device went from well to ill.
  std::uint64_t falls() const { return falls_; }

 private:
  std::uint64_t epoch_;
  std::string boot_id_;
  std::uint64_t last_ = 0;
  std::uint64_t acked_ = 0;
  std::uint32_t chain_ = 0;
  std::uint64_t falls_ = 0;
  std::optional<std::int64_t> offset_us_;
  std::deque<agent::Record> rows_;  ///< acked_ + 1 … last_
  std::map<std::string, pb::Status> devices_;
};

}  // namespace kw::fleet
