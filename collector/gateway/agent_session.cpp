#include "collector/gateway/agent_session.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "collector/writer/remote_results.hpp"
#include "common/log.hpp"
#include "common/wire/codec.hpp"
#include "common/wire/event_classes.hpp"

namespace kw::collector {
namespace {

// Every queue is bounded, also against a peer that ignores credit or never reads: past the first
// the socket is not read, past the second the connection is cut.
constexpr int in_flight_limit = 32;
constexpr int unsent_limit = 256;
constexpr int inventories_limit = 1'000;

/// Whether the batch's frame counts against credit (event_classes: uncounted).
bool counted(const pb::Batch& batch) {
  for (const auto& item : batch.item()) {
    if (item.has_gap()) continue;
    if (!wire::row(wire::class_of(item.event())).uncounted) return true;
  }
  return false;
}

}  // namespace

AgentSession::AgentSession(Gateway& gateway, std::unique_ptr<link::Link> link, CertificateRow row,
                           CreditPool::SessionId id)
    : gateway_(gateway),
      link_(std::move(link)),
      row_(std::move(row)),
      id_(id),
      room_(gateway.executor_, asio::steady_timer::time_point::max()),
      gone_(gateway.executor_, asio::steady_timer::time_point::max()),
      last_heard_(gateway.clock_.wall()) {}

Task<void> AgentSession::run() {
  const auto self = shared_from_this();
  const bool greeted = co_await greet();
  if (greeted) co_await listen();
  while (bye_begun_ && !bye_done_) co_await gone_.async_wait(as_result);
  link_->cut();
  if (probe_ != nullptr) probe_->cancel();
  gateway_.left(*this);
  if (!facts_) co_return;
  if (facts_->quarantined) {
    // The same agent may have dialled anew before this connection was known to be dead.
    if (gateway_.has_quarantined(row_.terminal)) co_return;
    gateway_.writer_.post(second_agent_left_job(row_.terminal));
    co_return;
  }
  const auto live = gateway_.live_.find(row_.terminal);
  if (live == gateway_.live_.end() || live->second.get() != this) co_return;
  gateway_.live_.erase(live);
  gateway_.release_quarantined(row_.terminal);
  gateway_.note_end(facts_, last_heard_);
  log::info("session-ended", {{"terminal", row_.terminal_code}, {"remote", link_->remote()}});
}

Task<Result<AgentSession::Frame>> AgentSession::next(Duration within) {
  auto frame = co_await with_deadline(link_->receive(), within);
  if (!frame) co_return std::move(frame).error();
  heard();
  ++gateway_.figures_.frames;
  auto envelope = wire::decode_shared(*frame);
  if (!envelope) ++gateway_.figures_.garbled;
  co_return envelope;
}

void AgentSession::heard() { last_heard_ = gateway_.clock_.wall(); }

Task<bool> AgentSession::greet() {
  auto first = co_await next(gateway_.limits_.hello_within);
  if (!first || !(*first)->has_hello()) {
    const std::string why = first ? "Hello must come first" : first.error().text();
    co_await say_bye(wire::close_garbled.code, why);
    co_return false;
  }
  facts_ = std::make_shared<Session>();
  facts_->terminal = row_.terminal;
  facts_->terminal_code = row_.terminal_code;
  facts_->hello = (*first)->hello();
  facts_->server_at_hello = last_heard_;
  const auto& hello = facts_->hello;
  if (hello.min_version() > wire::version || hello.max_version() < wire::version) {
    co_await say_bye(wire::close_version.code, "this collector serves version 1");
    co_return false;
  }
  epoch_ = hello.epoch().rbegin()->epoch();
  facts_->quarantined = co_await gateway_.settle(shared_from_this());

  // Resumed on the io thread by the writer's answer.
  asio::steady_timer answered{gateway_.executor_, asio::steady_timer::time_point::max()};
  std::optional<Result<pb::Welcome>> welcome;
  auto executor = gateway_.executor_;
  auto self = shared_from_this();
  gateway_.writer_.post(open_job(facts_, [&, self, executor](Result<pb::Welcome> told) {
    asio::post(executor, [&, self, told = std::move(told)]() mutable {
      welcome = std::move(told);
      answered.cancel();
    });
  }));
  // The answer always comes: the writer tells every job's end.
  while (!welcome) co_await answered.async_wait(as_result);
  if (!*welcome) {
    log::warning("session-refused",
                 {{"terminal", row_.terminal_code}, {"reason", welcome->error()}});
    co_await say_bye(wire::close_store_failed.code, welcome->error().text());
    co_return false;
  }
  if (ending_) co_return false;  // revoked or drained meanwhile
  if (!row_.used && !facts_->quarantined) gateway_.note_use(row_);
  backlog_ = !facts_->owed.empty();
  pb::Envelope envelope;
  *envelope.mutable_welcome() = std::move(**welcome);
  envelope.mutable_welcome()->set_credit(gateway_.credit_.join(id_, backlog_));
  send(envelope);
  gateway_.hand_out_credit();
  welcomed_ = true;
  deliver();
  log::info("session-opened", {{"terminal", row_.terminal_code},
                               {"remote", link_->remote()},
                               {"resumed", link_->peer().resumed},
                               {"quarantined", facts_->quarantined}});
  co_return true;
}

Task<void> AgentSession::listen() {
  while (!ending_) {
    while (in_flight_ >= in_flight_limit) co_await room_.async_wait(as_result);
    auto frame = co_await with_deadline(link_->receive(), gateway_.limits_.silent_after);
    if (!frame) {
      if (frame.error().code() == Errc::timeout && !ending_) {
        co_await say_bye(wire::close_silent.code, "nothing heard for 3 heartbeats");
      }
      co_return;
    }
    if (ending_) co_return;
    heard();
    ++gateway_.figures_.frames;
    auto envelope = wire::decode_shared(*frame);
    if (!envelope) {
      ++gateway_.figures_.garbled;
      log::warning("frame-garbled",
                   {{"terminal", row_.terminal_code}, {"reason", envelope.error()}});
      co_await say_bye(wire::close_garbled.code, envelope.error().text());
      co_return;
    }
    take(*envelope, frame->size());
  }
}

void AgentSession::take(const Frame& frame, std::size_t bytes) {
  const auto& envelope = *frame;
  if (envelope.has_heartbeat()) {
    ++heartbeats_;
    if (probe_ != nullptr) probe_->cancel();
  }
  if (envelope.has_heartbeat() && envelope.heartbeat().want_reply()) {
    pb::Envelope reply;
    reply.mutable_heartbeat_reply()->set_server_wall_us(micros(last_heard_));
    send(reply);
  }
  switch (envelope.body_case()) {
    case pb::Envelope::kBatch:
      take_batch({frame, &envelope.batch()}, bytes);
      return;
    case pb::Envelope::kSnapshot: {
      const bool full = !std::exchange(snapshot_seen_, true);
      std::shared_ptr<const pb::Snapshot> snapshot{frame, &envelope.snapshot()};
      auto self = shared_from_this();
      ++in_flight_;
      gateway_.writer_.post(snapshot_job(facts_, snapshot, full, [self](const Result<void>& done) {
        asio::post(self->gateway_.executor_, [self, done] {
          self->answered();
          if (!done) self->end(wire::close_store_failed, done.error().text());
        });
      }));
      return;
    }
    case pb::Envelope::kInventory:
      // Few and small: counted with the batches only against flooding.
      if (++inventories_ > inventories_limit) {
        end(wire::close_garbled, "too many inventories in one session");
        return;
      }
      gateway_.writer_.post(inventory_job(facts_, {frame, &envelope.inventory()}));
      return;
    case pb::Envelope::kBye:
      ending_ = true;
      return;
    case pb::Envelope::BODY_NOT_SET:
      return;
    default:
      end(wire::close_garbled, "a message that agents do not send");
  }
}

void AgentSession::take_batch(std::shared_ptr<const pb::Batch> batch, std::size_t bytes) {
  if (!snapshot_seen_) {
    end(wire::close_garbled, "Snapshot must come before the first batch");
    return;
  }
  std::uint32_t spent = 0;
  if (counted(*batch)) {
    spent = static_cast<std::uint32_t>(bytes);
    if (!gateway_.credit_.spend(id_, spent)) {
      end(wire::close_over_credit, "a frame larger than the credit left");
      return;
    }
  }
  ++in_flight_;
  const auto epoch = batch->epoch();
  auto self = shared_from_this();
  gateway_.writer_.post(
      batch_job(facts_, batch, bytes, [self, epoch, spent](Result<BatchAnswer> answer) {
        asio::post(self->gateway_.executor_, [self, epoch, spent, answer = std::move(answer)] {
          self->batch_done(answer, epoch, spent);
        });
      }));
}

void AgentSession::batch_done(const Result<BatchAnswer>& answer, std::uint64_t epoch,
                              std::uint32_t spent) {
  answered();
  if (!answer) {
    const bool race = answer.error().code() == Errc::refused;
    end(race ? wire::close_lost_race : wire::close_store_failed, answer.error().text());
    return;
  }
  if (answer->admission == Admission::garbled) {
    end(wire::close_garbled, "a batch that does not cover its range");
    return;
  }
  // The writer's view of what was owed is its own; the io side goes by the marks it announced.
  const auto owed = facts_->hello.epoch().rbegin();
  if (epoch == owed->epoch() && answer->mark >= owed->last()) backlog_ = false;
  const std::uint32_t back = gateway_.credit_.refund(id_, spent, backlog_);
  pb::Envelope envelope;
  if (answer->admission == Admission::resend) {
    auto& resend = *envelope.mutable_resend();
    resend.set_epoch(epoch);
    resend.set_from(answer->mark + 1);
    send(envelope);
    envelope.Clear();
    envelope.mutable_credit()->set_bytes(back);
    if (back > 0) send(envelope);
  } else {
    auto& ack = *envelope.mutable_ack();
    ack.set_epoch(epoch);
    ack.set_upto(answer->mark);
    ack.set_credit(back);
    send(envelope);
  }
  gateway_.hand_out_credit();
}

void AgentSession::answered() {
  --in_flight_;
  room_.cancel();
}

void AgentSession::deliver() {
  if (!welcomed_ || ending_ || facts_->quarantined) return;
  if (delivering_) {
    deliver_again_ = true;
    return;
  }
  delivering_ = true;
  auto self = shared_from_this();
  gateway_.writer_.post(outgoing_job(facts_, [self](std::vector<pb::Envelope> envelopes) {
    asio::post(self->gateway_.executor_,
               [self, envelopes = std::move(envelopes)] { self->delivered(envelopes); });
  }));
}

void AgentSession::delivered(const std::vector<pb::Envelope>& envelopes) {
  delivering_ = false;
  for (const auto& envelope : envelopes) {
    if (!ending_) send(envelope);
  }
  if (std::exchange(deliver_again_, false)) deliver();
}

void AgentSession::grant(std::uint32_t bytes) {
  pb::Envelope envelope;
  envelope.mutable_credit()->set_bytes(bytes);
  send(envelope);
}

namespace {

Task<void> send_frame(std::shared_ptr<AgentSession> session, std::string frame) {
  auto sent = co_await session->link().send(std::move(frame));
  session->sent();
  // A failed write shows in the pending receive too; that ends the session.
  if (!sent) session->cut();
}

}  // namespace

void AgentSession::send(const pb::Envelope& envelope) {
  if (unsent_ >= unsent_limit) {
    log::warning("session-cut", {{"terminal", row_.terminal_code}, {"reason", "reads too slowly"}});
    link_->cut();
    return;
  }
  ++unsent_;
  spawn(gateway_.executor_, "agent-send", send_frame(shared_from_this(), wire::encode(envelope)));
}

void AgentSession::drain(Duration retry_after) {
  if (ending_) return;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(retry_after).count();
  pb::Envelope envelope;
  envelope.mutable_drain()->set_retry_after_ms(static_cast<std::uint32_t>(ms));
  send(envelope);
}

void AgentSession::end(const wire::CloseCode& code, std::string reason) {
  if (std::exchange(ending_, true)) return;
  log::warning("session-closed",
               {{"terminal", row_.terminal_code}, {"code", code.name}, {"reason", reason}});
  spawn(gateway_.executor_, "agent-close", say_bye(code.code, std::move(reason)));
}

Task<void> AgentSession::say_bye(std::uint16_t code, std::string reason) {
  const auto self = shared_from_this();
  ending_ = true;
  if (std::exchange(bye_begun_, true)) co_return;
  pb::Envelope envelope;
  envelope.mutable_bye()->set_code(code);
  envelope.mutable_bye()->set_reason(reason.substr(0, 200));
  auto frame = wire::encode(envelope);
  auto sent = co_await with_deadline(link_->send(std::move(frame)), farewell_limit);
  if (sent) co_await link_->close(code, reason.substr(0, 100));
  link_->cut();
  bye_done_ = true;
  gone_.cancel();
}

Task<bool> AgentSession::alive(Duration within) {
  const auto self = shared_from_this();
  const auto before = heartbeats_;
  asio::steady_timer waited{gateway_.executor_, within};
  probe_ = &waited;
  pb::Envelope envelope;
  envelope.mutable_probe();
  send(envelope);
  co_await waited.async_wait(as_result);
  probe_ = nullptr;
  co_return heartbeats_ > before;
}

}  // namespace kw::collector
