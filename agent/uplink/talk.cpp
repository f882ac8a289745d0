// One session from its first frame to its end: what the Session decides is done here.
#include "agent/uplink/talk.hpp"

#include <algorithm>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "common/log.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

constexpr auto longest_beat = std::chrono::seconds{60};
constexpr std::size_t frames_waiting = 512;

OutboxView view_of(Outbox& outbox) { return outbox.view(); }

}  // namespace

Task<void> Uplink::talk(std::unique_ptr<link::Link> link) {
  using asio::experimental::awaitable_operators::operator&&;
  stood_ = false;
  then_ = wire::AfterClose::back_off;
  hint_.reset();
  const auto view = co_await journal_.ask(view_of);
  // From here to `talk_` nothing may suspend: what is appended after the view must be told.
  if (renewed_ || stopping_) {
    // Dialled as the configuration before says: a session here would prove nothing of this one.
    link->cut();
    co_return;
  }
  auto talk =
      std::make_shared<Talk>(executor_, std::move(link), Session{options_.session, facts_, view});
  talk_ = talk;
  log::info("uplink-connected", {{"server", talk->link->remote()}});
  perform(talk, talk->session.start(now()));
  auto reading = listen(talk);
  auto writing = write(talk);
  auto beating = beat(talk);
  auto all = std::move(reading) && std::move(writing) && std::move(beating);
  co_await std::move(all);
  talk_.reset();
  quiet_.cancel();
  then_ = talk->session.after_end(talk->link->close_code());
  if (then_ != wire::AfterClose::back_off) {
    status_.refusal = wire::close_name(talk->session.told_code(talk->link->close_code()));
  }
  hint_ = talk->session.hint();
  log::info("uplink-ended", {{"code", talk->link->close_code()}, {"reason", status_.last_error}});
}

Task<void> Uplink::listen(std::shared_ptr<Talk> talk) {
  for (;;) {
    auto frame = co_await talk->link->receive();
    if (!frame) {
      if (!talk->closing) status_.last_error = frame.error().text();
      break;
    }
    const auto envelope = wire::decode(*frame);
    if (!envelope) {
      end(*talk, wire::close_garbled.code, envelope.error().text());
      continue;
    }
    perform(talk, talk->session.received(*envelope, now()));
  }
  talk->over = true;
  talk->queued.cancel();
  talk->due.cancel();
}

Task<void> Uplink::write(std::shared_ptr<Talk> talk) {
  while (!talk->over) {
    if (talk->out.empty()) {
      co_await talk->queued.async_wait(as_result);
      continue;
    }
    auto next = std::move(talk->out.front());
    talk->out.pop_front();
    if (next.close) {
      auto reason = std::move(next.close->reason);
      const auto code = next.close->code;
      co_await talk->link->close(code, std::move(reason));
      co_return;
    }
    const auto sent = co_await talk->link->send(std::move(next.frame));
    if (!sent) {
      status_.last_error = sent.error().text();
      talk->link->cut();
      co_return;
    }
  }
}

Task<void> Uplink::beat(std::shared_ptr<Talk> talk) {
  while (!talk->over) {
    talk->wakes_at = talk->session.wakes_at();
    const auto wait = talk->wakes_at - clock_.mono();
    talk->due.expires_after(std::clamp<Duration>(wait, Duration::zero(), longest_beat));
    const auto [cancelled] = co_await talk->due.async_wait(as_result);
    if (cancelled || talk->over) continue;
    perform(talk, talk->session.tick(now()));
    if (talk->closing) co_return;
  }
}

Task<void> Uplink::fetch(std::shared_ptr<Talk> talk, act::Read wanted) {
  const auto job = [wanted](Outbox& outbox) {
    return outbox.batch_after(wanted.epoch, wanted.after, wanted.budget);
  };
  auto batch = co_await journal_.ask(job);
  if (talk->over) co_return;
  perform(talk, talk->session.read(std::move(batch), now()));
}

void Uplink::end(Talk& talk, std::uint16_t code, std::string reason) {
  if (talk.closing) return;
  talk.closing = true;
  status_.last_error = reason;
  talk.out.push_back({{}, act::Close{code, std::move(reason)}});
  talk.queued.cancel();
}

void Uplink::reconnect_when_quiet() {
  if (!reconnect_ || !talk_ || talk_->closing || !talk_->session.all_acknowledged()) return;
  reconnect_ = false;
  redial_ = true;
  end(*talk_, wire::close_normal.code, "certificate renewed");
}

void Uplink::perform(Talk&, const act::Established& established) {
  backoff_.established();
  stood_ = true;
  reached_ = dialled_;
  status_.quarantined = established.quarantined;
  status_.connected_since = clock_.wall();
  status_.last_error.clear();
  status_.refusal.clear();
  if (established.quarantined) log::warning("uplink-quarantined");
  if (!contacted_) tls_.reset();  // the next connection checks dates as well
  contacted_ = true;
  if (told_.established) told_.established();
}

void Uplink::perform(const std::shared_ptr<Talk>& talk, Actions actions) {
  for (auto& action : actions) {
    if (talk->closing) return;
    if (auto* send = std::get_if<act::Send>(&action)) {
      talk->out.push_back({wire::encode(send->envelope), std::nullopt});
      talk->queued.cancel();
      if (talk->out.size() > frames_waiting) talk->link->cut();  // the peer reads nothing
    } else if (const auto* read = std::get_if<act::Read>(&action)) {
      spawn(executor_, "uplink-read", fetch(talk, *read));
    } else if (const auto* ack = std::get_if<act::Acknowledge>(&action)) {
      status_.last_ack = clock_.wall();
      journal_.post([a = *ack](Outbox& outbox) { outbox.acknowledge(a.epoch, a.upto); });
      moved_.ring();  // who asks the journal now is answered after that
    } else if (const auto* rewind = std::get_if<act::Rewind>(&action)) {
      log::warning("uplink-rewind", {{"to", rewind->upto}});
      journal_.post([r = *rewind](Outbox& outbox) { outbox.rewind(r.epoch, r.upto); });
    } else if (const auto* offset = std::get_if<act::ClockOffset>(&action)) {
      status_.clock_offset_us = offset->offset_us;
      collector_clock_ = now();
      collector_clock_->wall += Duration{offset->offset_us};
      journal_.post(
          [o = *offset](Outbox& outbox) { outbox.set_clock_offset(o.epoch, o.offset_us); });
    } else if (const auto* established = std::get_if<act::Established>(&action)) {
      perform(*talk, *established);
    } else if (const auto* order = std::get_if<act::Order>(&action)) {
      if (told_.command) told_.command(order->command);
    } else if (const auto* configure = std::get_if<act::Configure>(&action)) {
      if (told_.configuration) told_.configuration(configure->configuration);
    } else if (auto* close = std::get_if<act::Close>(&action)) {
      end(*talk, close->code, std::move(close->reason));
    }
  }
  note_phase(*talk);
  reconnect_when_quiet();
  if (talk->session.all_acknowledged() && !talk->closing) quiet_.cancel();
  if (talk->session.wakes_at() < talk->wakes_at) talk->due.cancel();
}

void Uplink::note_phase(const Talk& talk) {
  switch (talk.session.phase()) {
    case Session::Phase::greeting:
      status_.phase = UplinkPhase::connecting;
      break;
    case Session::Phase::draining:
      status_.phase = UplinkPhase::draining;
      break;
    case Session::Phase::live:
      status_.phase = UplinkPhase::live;
      break;
    case Session::Phase::ended:
      break;
  }
}

}  // namespace kw::agent
