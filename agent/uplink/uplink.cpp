#include "agent/uplink/uplink.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "common/log.hpp"
#include "common/wire/codec.hpp"

namespace kw::agent {
namespace {

constexpr auto enrolment_looked_for = std::chrono::seconds{2};
constexpr auto dial_step = std::chrono::seconds{10};
constexpr auto longest_beat = std::chrono::seconds{60};
constexpr auto goodbye_limit = std::chrono::seconds{2};
constexpr std::size_t frames_waiting = 512;

OutboxView view_of(Outbox& outbox) { return outbox.view(); }

}  // namespace

std::string_view name(UplinkPhase phase) {
  switch (phase) {
    case UplinkPhase::not_enrolled:
      return "not_enrolled";
    case UplinkPhase::connecting:
      return "connecting";
    case UplinkPhase::draining:
      return "draining";
    case UplinkPhase::live:
      return "live";
    case UplinkPhase::waiting:
      return "waiting";
    case UplinkPhase::refused:
      return "refused";
    case UplinkPhase::stopped:
      return "stopped";
  }
  return "unknown";
}

/// One session on one connection, shared by the coroutines that serve it.
struct Uplink::Talk {
  Talk(const asio::any_io_executor& executor, std::unique_ptr<link::Link> with, Session machine)
      : link(std::move(with)), session(std::move(machine)), queued(executor), due(executor) {
    queued.expires_at(asio::steady_timer::time_point::max());
  }

  struct Out {
    std::string frame;
    std::optional<act::Close> close;
  };

  std::unique_ptr<link::Link> link;
  Session session;
  std::deque<Out> out;
  asio::steady_timer queued;  ///< cancelled when there is something to write
  asio::steady_timer due;     ///< the session's next tick
  MonoTime wakes_at{};        ///< what `due` waits for
  bool closing = false;       ///< Close is queued: nothing is performed any more
  bool over = false;
};

Uplink::Uplink(asio::any_io_executor executor, Journal& journal, const Clock& clock,
               const Options& options, SessionFacts facts)
    : executor_(std::move(executor)),
      journal_(journal),
      clock_(clock),
      options_(options),
      facts_(std::move(facts)),
      backoff_(options.backoff, options.seed),
      wake_(executor_),
      quiet_(executor_),
      renewal_(executor_) {}

Uplink::~Uplink() = default;

Result<std::shared_ptr<const link::ClientTls>> Uplink::tls() {
  if (tls_) return tls_;
  auto identity = load_identity(options_.folder);
  if (!identity) return std::move(identity).error();
  link::ClientTls::Options options;
  options.own = identity->own;
  options.trust_pem = identity->ca_pem;
  // A kiosk whose clock was never set must reach its collector once to learn the time.
  options.ignore_dates = !contacted_;
  auto made = link::ClientTls::make(options);
  if (!made) return std::move(made).error();
  status_.server = identity->server.text();
  status_.terminal = identity->terminal;
  plan_renewal(*identity);
  identity_ = std::move(*identity);
  tls_ = std::move(*made);
  return tls_;
}

Task<void> Uplink::pause(std::optional<Duration> how_long) {
  if (stopping_) co_return;
  if (how_long) {
    wake_.expires_after(*how_long);
    if (identity_) status_.next_dial = clock_.wall() + *how_long;
  } else {
    wake_.expires_at(asio::steady_timer::time_point::max());
  }
  co_await wake_.async_wait(as_result);
  status_.next_dial.reset();
}

Task<void> Uplink::run() {
  const auto view = co_await journal_.ask(view_of);
  contacted_ = std::ranges::any_of(
      view.epochs, [](const EpochView& e) { return e.clock_offset_us.has_value(); });
  spawn(executor_, "certificate", keep_certificate());
  while (!stopping_) {
    const auto credentials = tls();
    if (!credentials) {
      const bool absent = credentials.error().code() == Errc::missing;
      if (status_.last_error != credentials.error().text()) {
        log::warning(absent ? "not-enrolled" : "identity-unusable",
                     {{"reason", credentials.error()}, {"do", "kiosk-agent enroll"}});
      }
      status_.phase = absent ? UplinkPhase::not_enrolled : UplinkPhase::refused;
      status_.last_error = credentials.error().text();
      co_await pause(enrolment_looked_for);
      continue;
    }
    status_.phase = UplinkPhase::connecting;
    const auto server = identity_->server;
    std::optional<link::Refusal> said;
    auto dialled = co_await link::dial(server, *credentials, dial_step, &said);
    if (stopping_) co_return;
    std::optional<Duration> wait;
    if (dialled) {
      auto connection = std::move(*dialled);
      co_await talk(std::move(connection));
      wait = after_talk();
      if (std::exchange(redial_, false)) wait = Duration::zero();
    } else {
      wait = after_dial_failed(dialled.error(), said);
    }
    if (status_.phase == UplinkPhase::refused && wait) {
      co_await await_enrolment(*wait);
    } else {
      co_await pause(wait);
    }
  }
}

std::optional<Duration> Uplink::after_dial_failed(const Error& why,
                                                  const std::optional<link::Refusal>& said) {
  status_.last_error = why.text();
  status_.refusal = said ? said->code : std::string{};
  log::info("uplink-dial-failed", {{"reason", why}});
  if (said && said->code == "expired") {
    status_.phase = UplinkPhase::waiting;
    if (!tls_) return Duration::zero();  // it was renewed while we dialled
    expired_ = true;
    renewal_.cancel();
  }
  if (why.code() != Errc::refused || expired_) {
    status_.phase = UplinkPhase::waiting;
    if (said && said->retry_after) {
      return backoff_.next(wire::AfterClose::wait_as_told, said->retry_after);
    }
    return backoff_.next(wire::AfterClose::back_off, std::nullopt);
  }
  // Perhaps somebody enrols this kiosk again meanwhile: read the identity anew next time.
  status_.phase = UplinkPhase::refused;
  tls_.reset();
  return backoff_.next(wire::AfterClose::re_enroll, std::nullopt);
}

Task<void> Uplink::await_enrolment(Duration at_most) {
  const auto until = clock_.mono() + at_most;
  while (!stopping_) {
    const auto left = until - clock_.mono();
    if (left <= Duration::zero()) co_return;
    co_await pause(std::min<Duration>(left, enrolment_looked_for));
    const auto identity = load_identity(options_.folder);
    const bool anew = identity && identity_ && identity->own.chain_pem != identity_->own.chain_pem;
    if (anew) co_return;
  }
}

std::optional<Duration> Uplink::after_talk() {
  status_.connected_since.reset();
  status_.quarantined = false;
  status_.phase = UplinkPhase::waiting;
  if (then_ == wire::AfterClose::re_enroll) {
    status_.phase = UplinkPhase::refused;
    tls_.reset();
    journal_.post_note("certificate-refused", status_.last_error);
  }
  const auto wait = backoff_.next(then_, hint_);
  if (!wait) {
    status_.phase = UplinkPhase::stopped;
    log::error("uplink-stopped", {{"reason", status_.last_error}});
    journal_.post_note("uplink-stopped", status_.last_error);
  }
  return wait;
}

Task<void> Uplink::talk(std::unique_ptr<link::Link> link) {
  using asio::experimental::awaitable_operators::operator&&;
  const auto view = co_await journal_.ask(view_of);
  // From here to `talk_` nothing may suspend: what is appended after the view must be told.
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
  status_.quarantined = established.quarantined;
  status_.connected_since = clock_.wall();
  status_.last_error.clear();
  status_.refusal.clear();
  if (established.quarantined) log::warning("uplink-quarantined");
  if (contacted_) return;
  contacted_ = true;
  tls_.reset();  // the next connection checks dates as well
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
    } else if (const auto* rewind = std::get_if<act::Rewind>(&action)) {
      log::warning("uplink-rewind", {{"to", rewind->upto}});
      journal_.post([r = *rewind](Outbox& outbox) { outbox.rewind(r.epoch, r.upto); });
    } else if (const auto* offset = std::get_if<act::ClockOffset>(&action)) {
      status_.clock_offset_us = offset->offset_us;
      journal_.post(
          [o = *offset](Outbox& outbox) { outbox.set_clock_offset(o.epoch, o.offset_us); });
    } else if (const auto* established = std::get_if<act::Established>(&action)) {
      perform(*talk, *established);
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

void Uplink::appended(const Appended& what) {
  if (talk_) perform(talk_, talk_->session.appended(what, now()));
}

Task<void> Uplink::finish(Duration limit) {
  stopping_ = true;
  wake_.cancel();
  renewal_.cancel();
  if (talk_ && !talk_->session.all_acknowledged()) {
    quiet_.expires_after(limit);
    co_await quiet_.async_wait(as_result);
  }
  if (!talk_) co_return;
  end(*talk_, wire::close_normal.code, "agent stops");
  quiet_.expires_after(goodbye_limit);
  co_await quiet_.async_wait(as_result);
}

}  // namespace kw::agent
