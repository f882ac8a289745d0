// How a session begins: Hello, Welcome, Inventory, Snapshot.
#include <algorithm>
#include <string>
#include <utility>

#include "agent/uplink/session.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

constexpr std::size_t snapshot_bytes = 48 * 1024;  // a status more still fits a frame

}  // namespace

Actions Session::start(const Seen& now) {
  started_ = now.mono;
  hello_ = now;
  pb::Envelope envelope;
  auto& hello = *envelope.mutable_hello();
  hello.set_min_version(wire::version);
  hello.set_max_version(wire::version);
  hello.set_boot_id(facts_.boot_id);
  hello.set_mono_us(micros(now.mono));
  hello.set_wall_us(micros(now.wall));
  for (const auto& l : lanes_) {
    auto& to = *hello.add_epoch();
    to.set_epoch(l.held.epoch);
    to.set_first_kept(l.held.first_kept);
    to.set_acked(l.held.acked);
    to.set_last(l.held.last);
    to.set_boot_id(l.held.boot_id);
    to.set_clock_offset_us(l.held.clock_offset_us.value_or(0));
    to.set_clock_offset_known(l.held.clock_offset_us.has_value());
  }
  hello.set_inventory_hash(make_inventory(facts_, identities_).hash());
  hello.set_agent_version(facts_.agent_version);
  hello.set_configuration_hash(facts_.configuration_hash);
  hello.set_configuration_local(facts_.configuration_local);
  add(std::move(envelope));
  return take();
}

void Session::welcome(const pb::Welcome& in, const Seen& now) {
  if (welcomed_) return close(wire::close_garbled, "a second Welcome");
  if (in.version() != wire::version) return close(wire::close_version, "version not spoken here");
  for (auto& l : lanes_) {
    std::uint64_t mark = 0;
    for (const auto& known : in.high_water()) {
      if (known.epoch() == l.held.epoch) mark = known.seq();
    }
    if (mark > l.held.last && &l == &current()) {
      return close(wire::close_garbled, "high-water mark of the current epoch is past its end");
    }
    mark = std::min(mark, l.held.last);  // an older copy of the outbox: the collector has more
    if (mark > l.held.acked) out_.emplace_back(act::Acknowledge{l.held.epoch, mark});
    if (mark < l.held.acked) out_.emplace_back(act::Rewind{l.held.epoch, mark});
    l.held.acked = l.sent = l.sent_most = mark;
  }
  welcomed_ = true;
  credit_ = in.credit();
  drained_ = all_acknowledged();
  next_heartbeat_ = now.mono + options_.heartbeat;
  out_.emplace_back(act::Established{in.quarantined()});
  const auto offset = in.server_wall_us() - micros(hello_.wall);
  out_.emplace_back(act::ClockOffset{current().held.epoch, offset});
  current().held.clock_offset_us = offset;
  if (in.want_inventory()) send_inventory();
  snapshots();
  pump();
}

/// The first Snapshot, in as many frames as it needs; only the first lists what is configured.
void Session::snapshots() {
  pb::Envelope envelope;
  std::size_t bytes = 0;
  const auto begin = [&] {
    envelope.Clear();
    auto& to = *envelope.mutable_snapshot();
    to.set_as_of_epoch(current().held.epoch);
    to.set_as_of_seq(current().held.last);
    to.set_drained(drained_);
    to.set_configuration_unknown(!facts_.configuration_known);
  };
  begin();
  for (const auto& device : facts_.devices) {
    auto& to = *envelope.mutable_snapshot()->add_configured();
    to.set_device(device.name);
    to.set_driver(device.driver);
    to.set_kind(device.kind);
    to.set_disabled(!device.enabled);
  }
  bytes = envelope.ByteSizeLong();
  for (const auto& [name, status] : statuses_) {
    const auto takes = status.ByteSizeLong() + 8;
    if (bytes + takes > snapshot_bytes && envelope.snapshot().status_size() > 0) {
      add(envelope);
      begin();
      bytes = 64;
    }
    *envelope.mutable_snapshot()->add_status() = status;
    bytes += takes;
  }
  add(std::move(envelope));
  told_undrained_ = !drained_;
}

void Session::send_inventory() {
  inventory_due_.reset();
  pb::Envelope envelope;
  *envelope.mutable_inventory() = make_inventory(facts_, identities_);
  add(std::move(envelope));
}

}  // namespace kw::agent
