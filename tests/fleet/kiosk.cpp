#include "tests/fleet/kiosk.hpp"

#include <algorithm>
#include <deque>
#include <utility>

#include "common/wire/codec.hpp"

namespace kw::fleet {
namespace {

using agent::Actions;
namespace act = agent::act;

constexpr auto dial_step = std::chrono::seconds{10};
constexpr auto longest_beat = std::chrono::seconds{60};

// A link's error begins with the step that failed; what follows has addresses in it.
std::string step_of(const std::string& error) {
  return error.substr(0, std::min(error.find(':'), error.size()));
}

}  // namespace

struct Kiosk::Talk {
  Talk(const asio::any_io_executor& executor, std::unique_ptr<link::Link> with,
       agent::Session machine)
      : link(std::move(with)), session(std::move(machine)), queued(executor), due(executor) {
    queued.expires_at(asio::steady_timer::time_point::max());
  }
  struct Out {
    std::string frame;
    std::optional<act::Close> close;
  };
  std::unique_ptr<link::Link> link;
  agent::Session session;
  std::deque<Out> out;
  asio::steady_timer queued;  ///< cancelled when there is something to write
  asio::steady_timer due;     ///< the session's next tick
  MonoTime wakes_at{};
  MonoTime dialled_at{};
  std::string ended_by;
  bool stands = false;
  bool closing = false;
  bool over = false;
};

Kiosk::Kiosk(const asio::any_io_executor& executor, const Clock& clock, Options options,
             Tally& tally)
    : executor_(executor),
      clock_(clock),
      options_(std::move(options)),
      tally_(tally),
      shelf_(options_.seed | 1, options_.facts.boot_id),
      backoff_(options_.backoff, options_.seed),
      wake_(executor) {}

void Kiosk::blame(const std::string& why) { ++tally_.why[why]; }

Task<void> Kiosk::run(Duration delay) {
  wake_.expires_after(delay);
  co_await wake_.async_wait(as_result);
  while (!stopping_ || !all_acknowledged()) {
    if (give_up_at_ && clock_.mono() >= *give_up_at_) co_return;
    const auto wait = co_await round();
    if (!wait) co_return;  // no dial helps: the reason is in the tally
    auto until = clock_.mono() + *wait;
    if (give_up_at_) until = std::min(until, *give_up_at_);
    wake_.expires_after(until - clock_.mono());
    if (!stopping_ || !all_acknowledged()) co_await wake_.async_wait(as_result);
  }
}

/// Dials once and serves the session that comes of it. Returns the pause before the next dial.
Task<std::optional<Duration>> Kiosk::round() {
  if (parted_) {
    blame("away");
    co_return backoff_.next(wire::AfterClose::back_off, std::nullopt);
  }
  const auto before = clock_.mono();
  std::optional<link::Refusal> said;
  auto dialled = co_await link::dial(options_.collector, options_.tls, dial_step, &said);
  if (!dialled || parted_) {
    ++tally_.failed;
    blame(said ? said->code : parted_ ? "away" : step_of(dialled.error().text()));
    if (!said || !said->retry_after) {
      co_return backoff_.next(wire::AfterClose::back_off, std::nullopt);
    }
    ++tally_.put_off;
    co_return backoff_.next(wire::AfterClose::wait_as_told, said->retry_after);
  }
  auto talking =
      std::make_shared<Talk>(executor_, std::move(*dialled),
                             agent::Session{options_.session, options_.facts, shelf_.view()});
  talking->dialled_at = before;
  talk_ = talking;
  co_await talk(talking);
  talk_.reset();
  const auto peer = talking->link->close_code();
  if (talking->stands) --tally_.connected;
  if (!talking->stands) ++tally_.failed;
  if (stopping_ && all_acknowledged()) co_return Duration::zero();
  if (talking->stands) {
    ++tally_.lost;
    lost_at_ = clock_.mono();
  }
  const auto code = talking->session.told_code(peer);
  blame(code != 0 ? std::string{wire::close_name(code)} : talking->ended_by);
  if (talking->session.hint()) ++tally_.put_off;
  co_return backoff_.next(talking->session.after_end(peer), talking->session.hint());
}

Task<void> Kiosk::talk(std::shared_ptr<Talk> talk) {
  using asio::experimental::awaitable_operators::operator&&;
  perform(*talk, talk->session.start(now()));
  auto reading = listen(talk);
  auto writing = write(talk);
  auto beating = beat(talk);
  auto all = std::move(reading) && std::move(writing) && std::move(beating);
  co_await std::move(all);
}

Task<void> Kiosk::listen(std::shared_ptr<Talk> talk) {
  for (;;) {
    auto frame = co_await talk->link->receive();
    if (!frame) {
      if (talk->ended_by.empty()) talk->ended_by = step_of(frame.error().text());
      break;
    }
    const auto envelope = wire::decode(*frame);
    if (!envelope) {
      talk->ended_by = "garbled";
      talk->link->cut();
      continue;
    }
    perform(*talk, talk->session.received(*envelope, now()));
  }
  talk->over = true;
  talk->queued.cancel();
  talk->due.cancel();
}

Task<void> Kiosk::write(std::shared_ptr<Talk> talk) {
  while (!talk->over) {
    if (talk->out.empty()) {
      co_await talk->queued.async_wait(as_result);
      continue;
    }
    auto next = std::move(talk->out.front());
    talk->out.pop_front();
    if (next.close) {
      co_await talk->link->close(next.close->code, std::move(next.close->reason));
      co_return;
    }
    const auto sent = co_await talk->link->send(std::move(next.frame));
    if (!sent) {
      talk->link->cut();
      co_return;
    }
  }
}

Task<void> Kiosk::beat(std::shared_ptr<Talk> talk) {
  while (!talk->over) {
    talk->wakes_at = talk->session.wakes_at();
    const auto wait = talk->wakes_at - clock_.mono();
    talk->due.expires_after(std::clamp<Duration>(wait, Duration::zero(), longest_beat));
    const auto [cancelled] = co_await talk->due.async_wait(as_result);
    if (cancelled || talk->over) continue;
    perform(*talk, talk->session.tick(now()));
    if (talk->closing) co_return;
  }
}

void Kiosk::established(Talk& talk) {
  backoff_.established();
  talk.stands = true;
  ++tally_.sessions;
  tally_.connected_most = std::max(tally_.connected_most, ++tally_.connected);
  tally_.dial.add(clock_.mono() - talk.dialled_at);
  if (lost_at_) tally_.back.add(clock_.mono() - *std::exchange(lost_at_, std::nullopt));
}

void Kiosk::perform(Talk& talk, Actions actions) {
  // A read is answered at once, which asks for the next: so the list grows while it is gone
  // through.
  std::deque<agent::Action> todo{std::make_move_iterator(actions.begin()),
                                 std::make_move_iterator(actions.end())};
  while (!todo.empty() && !talk.closing) {
    auto action = std::move(todo.front());
    todo.pop_front();
    if (auto* send = std::get_if<act::Send>(&action)) {
      talk.out.push_back({wire::encode(send->envelope), std::nullopt});
      talk.queued.cancel();
    } else if (const auto* read = std::get_if<act::Read>(&action)) {
      for (auto& next : talk.session.read(shelf_.batch_after(read->after, read->budget), now())) {
        todo.push_back(std::move(next));
      }
    } else if (const auto* ack = std::get_if<act::Acknowledge>(&action)) {
      const auto before = shelf_.acked();
      const auto at = clock_.mono();
      shelf_.acknowledge(ack->upto, [&](MonoTime written) { tally_.ack.add(at - written); });
      tally_.acknowledged += shelf_.acked() - before;
    } else if (const auto* rewind = std::get_if<act::Rewind>(&action)) {
      if (!shelf_.rewind(rewind->upto)) ++tally_.forgotten;
    } else if (const auto* offset = std::get_if<act::ClockOffset>(&action)) {
      shelf_.set_clock_offset(offset->offset_us);
    } else if (std::holds_alternative<act::Established>(action)) {
      established(talk);
    } else if (auto* close = std::get_if<act::Close>(&action)) {
      talk.closing = true;
      talk.ended_by = close->reason;
      talk.out.push_back({{}, std::move(*close)});
      talk.queued.cancel();
    }
  }
  if (talk.session.wakes_at() < talk.wakes_at) talk.due.cancel();
  end_when_quiet();
}

void Kiosk::tell(const pb::Event& event) {
  ++tally_.written;
  const auto appended = shelf_.append(event, now());
  if (talk_) perform(*talk_, talk_->session.appended(appended, now()));
}

void Kiosk::part() {
  parted_ = true;
  if (talk_) talk_->link->cut();
}

void Kiosk::heal() { parted_ = false; }

void Kiosk::end_when_quiet() {
  if (!stopping_ || !talk_ || talk_->closing || !all_acknowledged()) return;
  talk_->closing = true;
  talk_->out.push_back({{}, act::Close{wire::close_normal.code, "the fleet ends"}});
  talk_->queued.cancel();
}

void Kiosk::finish(Duration limit) {
  stopping_ = true;
  give_up_at_ = clock_.mono() + limit;
  // Whoever waits to dial again has time until then; who has nothing left to say ends now.
  if (all_acknowledged()) wake_.cancel();
  end_when_quiet();
}

}  // namespace kw::fleet
