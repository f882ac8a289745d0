#include "agent/control/prove.hpp"

#include <algorithm>

#include <boost/json/value.hpp>

namespace kw::agent {
namespace {

/// Where the note was written; nothing when it was not.
std::optional<Position> write_note(Outbox& outbox, const Seen& seen) {
  const auto before = outbox.view().epochs.back();
  pb::Event event;
  event.mutable_agent()->set_code("link-check");
  outbox.append(event, seen);
  const auto after = outbox.view().epochs.back();
  if (after.last == before.last) return std::nullopt;
  return Position{after.epoch, after.last};
}

bool acknowledged(const OutboxView& view, const Position& at) {
  return std::ranges::any_of(view.epochs, [&](const EpochView& epoch) {
    return epoch.epoch == at.epoch && epoch.acked >= at.seq;
  });
}

}  // namespace

Task<boost::json::object> prove(Journal& journal, Uplink& uplink, const Clock& clock,
                                Duration limit) {
  const auto began = clock.mono();
  const Seen seen{began, clock.wall()};
  const auto write = [seen](Outbox& outbox) { return write_note(outbox, seen); };
  const auto at = co_await journal.ask(write);
  bool stored = false;
  while (at) {
    const auto rung = uplink.moved().rung();
    const auto look = [](Outbox& outbox) { return outbox.view(); };
    const auto view = co_await journal.ask(look);
    stored = acknowledged(view, *at);
    const auto left = limit - (clock.mono() - began);
    if (stored || left <= Duration::zero()) break;
    co_await uplink.moved().heard(rung, left);
  }
  const auto took = clock.mono() - began;
  const auto count = [](Outbox& outbox) { return outbox.stats(); };
  const auto stats = co_await journal.ask(count);
  const auto& status = uplink.status();
  boost::json::object out;
  out["acknowledged"] = stored;
  out["written"] = at.has_value();
  out["took_ms"] = took.count() / 1'000;
  out["phase"] = name(status.phase);
  out["quarantined"] = status.quarantined;
  out["last_error"] = status.last_error;
  out["unacknowledged"] = stats.unacked;
  co_return out;
}

}  // namespace kw::agent
