#include "agent/uplink/session.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "common/wire/codec.hpp"
#include "common/wire/event_classes.hpp"

namespace kw::agent {
namespace {

constexpr int reply_every = 10;
constexpr int refusals_most = 3;
constexpr std::uint64_t backlog_events = 64;  // so many unsent: no longer drained
constexpr auto inventory_rest = std::chrono::seconds{2};

bool counted(const pb::Batch& batch) {
  return std::ranges::any_of(batch.item(), [](const pb::Item& item) {
    return !item.has_gap() && !wire::row(wire::class_of(item.event())).uncounted;
  });
}

}  // namespace

Session::Session(const Options& options, const SessionFacts& facts, const OutboxView& view)
    : options_(options), facts_(facts) {
  for (const auto& epoch : view.epochs) {
    Lane lane;
    lane.held = epoch;
    lanes_.push_back(std::move(lane));
  }
  for (const auto& device : view.devices) {
    statuses_[device.status.device()] = device.status;
    identities_[device.status.device()] = device.identity;
  }
}

Actions Session::take() { return std::exchange(out_, {}); }

Action& Session::add(pb::Envelope envelope) {
  return out_.emplace_back(act::Send{std::move(envelope)});
}

Session::Lane* Session::lane(std::uint64_t epoch) {
  const auto it =
      std::ranges::find_if(lanes_, [&](const Lane& l) { return l.held.epoch == epoch; });
  return it == lanes_.end() ? nullptr : &*it;
}

std::uint64_t Session::unsent() const {
  std::uint64_t out = 0;
  for (const auto& l : lanes_) out += l.held.last - l.sent;
  return out;
}

bool Session::all_acknowledged() const {
  return std::ranges::all_of(lanes_, [](const Lane& l) { return l.held.acked == l.held.last; });
}

Session::Phase Session::phase() const {
  if (ended_) return Phase::ended;
  if (!welcomed_) return Phase::greeting;
  return drained_ ? Phase::live : Phase::draining;
}

void Session::close(const wire::CloseCode& code, std::string reason) {
  if (ended_) return;
  ended_ = true;
  if (!then_) then_ = code.then;
  out_.emplace_back(act::Close{code.code, std::move(reason)});
}

wire::AfterClose Session::after_end(std::uint16_t peer_code) const {
  if (hint_) return wire::AfterClose::wait_as_told;
  if (then_) return *then_;
  return wire::after(peer_code);
}

Actions Session::received(const pb::Envelope& in, const Seen& now) {
  if (ended_) return {};
  const auto body = in.body_case();
  const bool before_welcome = body == pb::Envelope::kWelcome || body == pb::Envelope::kBusy ||
                              body == pb::Envelope::kBye || body == pb::Envelope::kDrain ||
                              body == pb::Envelope::BODY_NOT_SET;
  if (!welcomed_ && !before_welcome) {
    close(wire::close_garbled, "a message before Welcome");
    return take();
  }
  switch (body) {
    case pb::Envelope::kWelcome:
      welcome(in.welcome(), now);
      break;
    case pb::Envelope::kAck:
      acknowledged(in.ack());
      break;
    case pb::Envelope::kResend:
      resend(in.resend());
      break;
    case pb::Envelope::kHeartbeatReply:
      reply(in.heartbeat_reply(), now);
      break;
    case pb::Envelope::kProbe: {
      pb::Envelope answer;
      answer.mutable_heartbeat()->set_mono_us(micros(now.mono));
      answer.mutable_heartbeat()->set_wall_us(micros(now.wall));
      add(std::move(answer));
      break;
    }
    case pb::Envelope::kCredit:
      grant(in.credit().bytes());
      pump();
      break;
    case pb::Envelope::kCommand:
      out_.emplace_back(act::Order{in.command()});
      break;
    case pb::Envelope::kConfiguration:
      out_.emplace_back(act::Configure{in.configuration()});
      break;
    case pb::Envelope::kDrain:
      hint_ = std::chrono::milliseconds{in.drain().retry_after_ms()};
      leaving_ = true;
      told_ = wire::close_drain.code;
      if (flights_.empty()) close(wire::close_normal, "drain");
      break;
    case pb::Envelope::kBusy:
      hint_ = std::chrono::milliseconds{in.busy().retry_after_ms()};
      told_ = wire::close_busy.code;
      close(wire::close_normal, "busy");
      break;
    case pb::Envelope::kBye:
      told_ = static_cast<std::uint16_t>(in.bye().code());
      then_ = wire::after(told_);
      close(wire::close_normal,
            "Bye " + std::to_string(in.bye().code()) + ": " + in.bye().reason().substr(0, 200));
      break;
    case pb::Envelope::BODY_NOT_SET:
      break;  // a later version's message: nothing that we have to understand
    default:
      close(wire::close_garbled, "a message that only an agent sends");
      break;
  }
  return take();
}

void Session::grant(std::uint64_t bytes) {
  credit_ += bytes;
  if (bytes > 0) {
    starved_ = false;
    starved_since_.reset();
  }
}

void Session::acknowledged(const pb::Ack& in) {
  auto* l = lane(in.epoch());
  if (l == nullptr || in.upto() > l->sent_most) {
    return close(wire::close_garbled, "an acknowledgement of what was not sent");
  }
  grant(in.credit());
  if (in.upto() > l->held.acked) {
    l->held.acked = in.upto();
    l->sent = std::max(l->sent, in.upto());
    refusal_ = {};
    out_.emplace_back(act::Acknowledge{in.epoch(), in.upto()});
  }
  std::erase_if(flights_,
                [&](const Flight& f) { return f.epoch == in.epoch() && f.last <= in.upto(); });
  note_drained();
  if (leaving_ && flights_.empty()) return close(wire::close_normal, "drain");
  pump();
}

void Session::note_drained() {
  if (drained_ || !all_acknowledged()) return;
  drained_ = true;
  if (!told_undrained_) return;
  told_undrained_ = false;
  pb::Envelope envelope;
  auto& to = *envelope.mutable_snapshot();
  to.set_as_of_epoch(current().held.epoch);
  to.set_as_of_seq(current().held.last);
  to.set_drained(true);
  add(std::move(envelope));
}

void Session::resend(const pb::Resend& in) {
  auto* l = lane(in.epoch());
  if (l == nullptr || in.from() == 0 || in.from() > l->sent_most + 1) {
    return close(wire::close_garbled, "a resend from what was not sent");
  }
  const bool same = refusal_.epoch == in.epoch() && refusal_.from == in.from();
  if (same && refusal_.echoes > 0) {
    --refusal_.echoes;
    return;
  }
  if (same && ++refusal_.times >= refusals_most) {
    return close(wire::close_garbled, "one batch refused three times");
  }
  const auto position = l - lanes_.data();
  const auto dropped = std::erase_if(flights_, [&](const Flight& f) {
    const auto* of = lane(f.epoch);
    return of > l || (of == l && f.first >= in.from());
  });
  if (!same) refusal_ = {in.epoch(), in.from(), 1, 0};
  refusal_.echoes = dropped > 0 ? static_cast<int>(dropped) - 1 : 0;
  const auto mark = in.from() - 1;
  if (mark < l->held.acked) {
    out_.emplace_back(act::Rewind{in.epoch(), mark});
    l->held.acked = mark;
  }
  l->sent = mark;
  for (auto i = static_cast<std::size_t>(position) + 1; i < lanes_.size(); ++i) {
    lanes_[i].sent = lanes_[i].held.acked;
  }
  starved_ = false;
  starved_since_.reset();
  pump();
}

void Session::reply(const pb::HeartbeatReply& in, const Seen& now) {
  reply_due_.reset();
  const auto offset = in.server_wall_us() - micros(now.wall);
  auto& known = current().held.clock_offset_us;
  const auto drift = known ? std::abs(*known - offset) : std::numeric_limits<std::int64_t>::max();
  if (drift < 1'000'000) return;  // the round trip, not the clock
  known = offset;
  out_.emplace_back(act::ClockOffset{current().held.epoch, offset});
}

/// Asks for the next batch when one may be sent: oldest epoch first, in order.
void Session::pump() {
  if (ended_ || !welcomed_ || leaving_ || reading_ || starved_) return;
  if (flights_.size() >= static_cast<std::size_t>(options_.in_flight)) return;
  for (const auto& l : lanes_) {
    if (l.sent >= l.held.last) continue;
    Budget budget;
    budget.credit = static_cast<std::size_t>(credit_);
    read_credit_ = credit_;
    reading_ = true;
    out_.emplace_back(act::Read{l.held.epoch, l.sent, budget});
    return;
  }
}

Actions Session::read(std::optional<pb::Batch> batch, const Seen& now) {
  reading_ = false;
  if (ended_) return {};
  if (!batch) {
    if (credit_ > read_credit_) {
      pump();  // credit came while it was read
      return take();
    }
    starved_ = true;
    if (!starved_since_) starved_since_ = now.mono;
    return take();
  }
  auto* l = lane(batch->epoch());
  const bool current_read = l != nullptr && batch->first() == l->sent + 1;
  if (!current_read || leaving_) {
    pump();  // a resend or a drain came while it was read
    return take();
  }
  pb::Envelope envelope;
  const bool costs = counted(*batch);
  const Flight flight{batch->epoch(), batch->first(), batch->last(), now.mono};
  *envelope.mutable_batch() = std::move(*batch);
  // One frame instead of two: a heartbeat that is nearly due rides along.
  const bool rides = now.mono + options_.heartbeat / 6 >= next_heartbeat_;
  if (rides) heartbeat(*envelope.mutable_heartbeat(), now);
  if (costs) {
    const auto bytes = envelope.ByteSizeLong();
    if (bytes > credit_) {
      // Granted and used up since: read a smaller one when there is credit again.
      starved_ = true;
      starved_since_ = now.mono;
      return take();
    }
    credit_ -= bytes;
  }
  l->sent = flight.last;
  l->sent_most = std::max(l->sent_most, flight.last);
  flights_.push_back(flight);
  add(std::move(envelope));
  pump();
  return take();
}

Actions Session::appended(const Appended& what, const Seen& now) {
  if (ended_ || what.at.epoch != current().held.epoch) return {};
  current().held.last = std::max(current().held.last, what.at.seq);
  if (what.identity) {
    identities_[what.identity->device] = what.identity->identity;
    if (!inventory_due_) inventory_due_ = now.mono + inventory_rest;
  }
  if (what.status) statuses_[what.status->device()] = *what.status;
  if (!welcomed_ || leaving_) return {};
  if (drained_ && unsent() >= backlog_events) drained_ = false;
  if (what.status && !drained_) {
    pb::Envelope envelope;
    auto& to = *envelope.mutable_snapshot();
    to.set_as_of_epoch(what.at.epoch);
    to.set_as_of_seq(what.at.seq);
    *to.add_status() = *what.status;
    add(std::move(envelope));
    told_undrained_ = true;
  }
  pump();
  return take();
}

void Session::heartbeat(pb::Heartbeat& out, const Seen& now) {
  out.set_mono_us(micros(now.mono));
  out.set_wall_us(micros(now.wall));
  out.set_want_reply(++heartbeats_ % reply_every == 0);
  if (out.want_reply() && !reply_due_) reply_due_ = now.mono + options_.reply_limit;
  next_heartbeat_ = now.mono + options_.heartbeat;
}

Actions Session::tick(const Seen& now) {
  if (ended_) return {};
  if (!welcomed_) {
    if (now.mono >= started_ + options_.reply_limit) {
      close(wire::close_silent, "no Welcome");
    }
    return take();
  }
  if (reply_due_ && now.mono >= *reply_due_) {
    close(wire::close_silent, "no heartbeat reply");
    return take();
  }
  if (!flights_.empty() && now.mono >= flights_.front().sent_at + options_.ack_limit) {
    close(wire::close_silent, "no acknowledgement");
    return take();
  }
  if (starved_since_ && flights_.empty() && now.mono >= *starved_since_ + options_.ack_limit) {
    close(wire::close_normal, "no credit");
    return take();
  }
  if (inventory_due_ && now.mono >= *inventory_due_ && !leaving_) send_inventory();
  if (now.mono >= next_heartbeat_) {
    pb::Envelope envelope;
    heartbeat(*envelope.mutable_heartbeat(), now);
    add(std::move(envelope));
  }
  return take();
}

MonoTime Session::wakes_at() const {
  if (ended_) return MonoTime::max();
  if (!welcomed_) return started_ + options_.reply_limit;
  MonoTime out = next_heartbeat_;
  if (reply_due_) out = std::min(out, *reply_due_);
  if (inventory_due_ && !leaving_) out = std::min(out, *inventory_due_);
  if (!flights_.empty()) out = std::min(out, flights_.front().sent_at + options_.ack_limit);
  if (starved_since_ && flights_.empty()) out = std::min(out, *starved_since_ + options_.ack_limit);
  return out;
}

}  // namespace kw::agent
