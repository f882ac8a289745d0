#include "tests/fleet/shelf.hpp"

#include <utility>

#include "agent/outbox/batch.hpp"

namespace kw::fleet {

std::uint32_t chained(std::uint32_t chain, std::uint64_t seq, const std::string& body) {
  std::string link;
  link.append(reinterpret_cast<const char*>(&chain), sizeof chain);
  link.append(reinterpret_cast<const char*>(&seq), sizeof seq);
  link.append(body);
  return agent::checksum(link);
}

Shelf::Shelf(std::uint64_t epoch, std::string boot_id)
    : epoch_(epoch), boot_id_(std::move(boot_id)) {}

agent::Appended Shelf::append(const pb::Event& event, const agent::Seen& seen) {
  auto record = agent::record_of(event, seen);
  record.seq = ++last_;
  chain_ = chained(chain_, record.seq, record.body);
  rows_.push_back(std::move(record));
  agent::Appended out{.at = {epoch_, last_}, .status = std::nullopt, .identity = std::nullopt};
  if (!event.has_state()) return out;
  pb::Status status = event.state();
  const auto begin = [&](pb::Since& since) {
    since.set_epoch(epoch_);
    since.set_seq(last_);
    since.set_mono_us(micros(seen.mono));
    since.set_wall_us(micros(seen.wall));
  };
  const auto& before = devices_[status.device()];
  if (before.condition().empty() && !status.condition().empty()) ++falls_;
  begin(*status.mutable_since());
  for (auto& condition : *status.mutable_condition()) begin(*condition.mutable_since());
  devices_[status.device()] = status;
  out.status = std::move(status);
  return out;
}

agent::OutboxView Shelf::view() const {
  agent::OutboxView out;
  agent::EpochView epoch;
  epoch.epoch = epoch_;
  epoch.first_kept = acked_ + 1;
  epoch.acked = acked_;
  epoch.last = last_;
  epoch.boot_id = boot_id_;
  epoch.clock_offset_us = offset_us_;
  out.epochs.push_back(std::move(epoch));
  for (const auto& [name, status] : devices_) out.devices.push_back({status, {}});
  return out;
}

std::optional<pb::Batch> Shelf::batch_after(std::uint64_t after,
                                            const agent::Budget& budget) const {
  if (after < acked_ || after >= last_) return std::nullopt;
  agent::BatchBuilder builder{epoch_, after + 1, budget};
  for (auto at = static_cast<std::size_t>(after - acked_); at < rows_.size(); ++at) {
    if (!builder.add(rows_[at])) break;
  }
  if (builder.empty()) return std::nullopt;
  return builder.take();
}

}  // namespace kw::fleet
