#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/outbox/outbox.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/conditions.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_folder.hpp"

namespace kw::agent {

/// An outbox in a folder of its own that can be closed and opened like an agent's.
struct Box {
  explicit Box(std::int64_t ceiling = 256LL * 1024 * 1024) {
    options.folder = folder.path();
    options.ceiling = ceiling;
    options.reserve = 0;
  }

  Outbox& open(std::uint64_t epoch, const std::string& boot = "boot") {
    outbox.reset();
    outbox = std::make_unique<Outbox>(options, clock, boot, epoch);
    return *outbox;
  }
  /// As power loss does: nothing is said, nothing flushed that was only held.
  void cut() { outbox.reset(); }

  Seen now() {
    clock.advance(std::chrono::milliseconds{10});
    return {clock.mono(), clock.wall()};
  }

  static wire::Status status(std::vector<std::string> codes = {},
                             wire::Media media = wire::Media::present) {
    wire::Status out;
    out.device = wire::DeviceState::online;
    out.media = media;
    out.evidence = wire::Evidence::protocol_reply;
    for (const auto& code : codes) {
      out.conditions.push_back(wire::condition(*wire::find_condition(code)));
    }
    return out;
  }
  static pb::Event note(const std::string& code, const std::string& detail = {}) {
    pb::Event out;
    out.mutable_agent()->set_code(code);
    out.mutable_agent()->set_detail(detail);
    return out;
  }
  static pb::Event sample(const std::string& device, double value, std::size_t bulk = 0) {
    pb::Event out;
    out.mutable_sample()->set_device(device);
    auto& m = *out.mutable_sample()->add_measurement();
    m.set_name("value" + std::string(bulk, 'x'));
    m.set_value(value);
    return out;
  }
  void samples(int count, std::size_t bulk) {
    for (int i = 0; i < count; ++i) {
      outbox->hold_sample(sample(i % 2 == 0 ? "host" : "ups", i, bulk), now());
      if (outbox->held() >= 64) outbox->flush();
    }
    outbox->flush();
  }
  static Budget wide() { return {60 * 1024, 1'000'000, 2'000}; }

  /// All of an epoch after `after`, batch by batch; every batch must cover its range.
  std::vector<pb::Item> all(std::uint64_t epoch, std::uint64_t after = 0) {
    std::vector<pb::Item> out;
    for (;;) {
      const auto batch = outbox->batch_after(epoch, after, wide());
      if (!batch) return out;
      if (batch->first() != after + 1 || !wire::check_range(*batch)) return {};
      for (const auto& item : batch->item()) out.push_back(item);
      after = batch->last();
    }
  }
  EpochView epoch(std::uint64_t epoch) {
    for (const auto& view : outbox->view().epochs) {
      if (view.epoch == epoch) return view;
    }
    return {};
  }

  tests::TempFolder folder;
  ManualClock clock;
  Outbox::Options options;
  std::unique_ptr<Outbox> outbox;
};

}  // namespace kw::agent
