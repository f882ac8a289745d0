#include "collector/ingest/admit.hpp"

#include <algorithm>

#include "common/wire/codec.hpp"

namespace kw::collector {

EpochPlan plan_epochs(const std::vector<EpochMark>& known, std::int64_t next_no,
                      const pb::Hello& hello) {
  EpochPlan plan;
  plan.next_no = next_no;
  for (const auto& held : hello.epoch()) {
    const auto it = std::ranges::find(known, held.epoch(), &EpochMark::epoch);
    if (it != known.end()) {
      plan.marks.push_back(*it);
      continue;
    }
    const EpochMark mark{.epoch = held.epoch(), .no = plan.next_no++};
    plan.marks.push_back(mark);
    plan.added.push_back(mark);
  }
  for (const auto& mark : known) {
    const auto listed = [&](const pb::EpochHeld& held) { return held.epoch() == mark.epoch; };
    if (std::ranges::none_of(hello.epoch(), listed)) plan.dropped.push_back(mark.epoch);
  }
  return plan;
}

Admission admit(const pb::Batch& batch, std::uint64_t mark) {
  if (!wire::check_range(batch)) return Admission::garbled;
  if (batch.last() <= mark) return Admission::known;
  return batch.first() == mark + 1 ? Admission::next : Admission::resend;
}

SessionTime::SessionTime(const pb::Hello& hello, WallTime server_at_hello) {
  for (const auto& held : hello.epoch()) {
    Offset offset;
    offset.same_boot = held.boot_id() == hello.boot_id();
    offset.known = offset.same_boot || held.clock_offset_known();
    offset.us =
        offset.same_boot ? micros(server_at_hello) - hello.mono_us() : held.clock_offset_us();
    offsets_[held.epoch()] = offset;
  }
}

SessionTime::Base SessionTime::corrected(std::uint64_t epoch, std::int64_t mono_us,
                                         std::int64_t wall_us) const {
  const auto it = offsets_.find(epoch);
  if (it == offsets_.end()) return {wall_from(wall_us), true};
  const auto& offset = it->second;
  const std::int64_t from = offset.same_boot ? mono_us : wall_us;
  return {wall_from(from + offset.us), !offset.known};
}

}  // namespace kw::collector
