#include "agent/outbox/batch.hpp"

#include <utility>

namespace kw::agent {
namespace {

// Envelope and batch header at their longest, and the heartbeat that may ride with it.
constexpr std::size_t header_bytes = 112;
constexpr std::size_t item_overhead = 8;

}  // namespace

BatchBuilder::BatchBuilder(std::uint64_t epoch, std::uint64_t first, const Budget& budget)
    : budget_(budget), next_(first), bytes_(header_bytes) {
  batch_.set_epoch(epoch);
  batch_.set_first(first);
}

bool BatchBuilder::add(const Record& record) {
  pb::Item item;
  const bool first = empty();
  const std::int64_t base_mono = first ? record.mono_us : batch_.base_mono_us();
  const std::int64_t base_wall = first ? record.wall_us : batch_.base_wall_us();
  if (record.gap()) {
    item.mutable_gap()->ParseFromString(record.body);
    item.mutable_gap()->set_count(record.count);
  } else {
    auto& event = *item.mutable_event();
    event.ParseFromString(record.body);
    event.set_mono_us(record.mono_us - base_mono);
    event.set_wall_shift_us((record.wall_us - record.mono_us) - (base_wall - base_mono));
  }
  const std::size_t bytes = bytes_ + item.ByteSizeLong() + item_overhead;
  const bool counted = counted_ || !wire::row(record.event_class).uncounted;
  if (batch_.item_size() >= budget_.items || (!first && bytes > budget_.bytes) ||
      (counted && bytes > budget_.credit)) {
    full_ = true;
    return false;
  }
  if (first) {
    batch_.set_base_mono_us(base_mono);
    batch_.set_base_wall_us(base_wall);
  }
  *batch_.add_item() = std::move(item);
  bytes_ = bytes;
  counted_ = counted;
  next_ = record.end();
  return true;
}

pb::Batch BatchBuilder::take() {
  batch_.set_last(next_ - 1);
  return std::move(batch_);
}

}  // namespace kw::agent
