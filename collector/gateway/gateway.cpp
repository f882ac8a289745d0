#include "collector/gateway/gateway.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <boost/asio/post.hpp>

#include "collector/gateway/agent_session.hpp"
#include "common/identity/random.hpp"
#include "common/link/http_date.hpp"
#include "common/log.hpp"
#include "common/wire/codec.hpp"

namespace kw::collector {
namespace {

constexpr auto cut_limit = std::chrono::seconds{1};
/// What an agent adds to a hint, at most (agent/uplink/backoff.hpp, `spread`).
constexpr auto agents_spread = std::chrono::seconds{60};
constexpr auto postponed_every = std::chrono::seconds{10};

}  // namespace

Gateway::Gateway(asio::any_io_executor executor, Writer& writer, Registry& registry,
                 Enrolment& enrolment, BundleUploads& bundles, const Clock& clock, Limits limits)
    : executor_(std::move(executor)),
      writer_(writer),
      registry_(registry),
      enrolment_(enrolment),
      bundles_(bundles),
      clock_(clock),
      limits_(limits),
      credit_(limits.backlog_pool),
      door_(limits.door),
      random_(identity::random_u64()),
      emptied_(executor_) {}

Gateway::~Gateway() = default;

std::optional<link::Refusal> Gateway::admit(const link::PeerCertificate& peer) {
  auto refusal = registry_.admit(peer, clock_.wall());
  if (refusal) {
    ++figures_.refused;
    return refusal;
  }
  const auto wait = turn_away();
  if (wait) return link::Refusal{"busy", "no room now: come again later", wait};
  return std::nullopt;
}

Task<link::BodyGrant> Gateway::allow(link::HttpRequest head, link::PeerCertificate peer) {
  if (BundleUploads::is_upload(head.target))
    return bundles_.allow(std::move(head), std::move(peer));
  return Host::allow(std::move(head), std::move(peer));
}

Task<link::HttpResponse> Gateway::answer(link::HttpRequest request, link::PeerCertificate peer) {
  const bool upload = BundleUploads::is_upload(request.target);
  link::HttpResponse answered;
  if (upload) {
    answered = co_await bundles_.answer(std::move(request), std::move(peer));
  } else {
    answered = co_await enrolment_.answer(std::move(request), std::move(peer));
  }
  // A kiosk whose clock is wrong learns it here, before it can judge any certificate's dates.
  answered.headers["date"] = link::http_date(clock_.wall());
  co_return answered;
}

Task<void> Gateway::serve(std::unique_ptr<link::Link> link) {
  // What was so at the handshake may have changed before the upgrade.
  const auto refusal = registry_.admit(link->peer(), clock_.wall());
  if (refusal) {
    ++figures_.refused;
    co_await link->close(wire::close_revoked.code, refusal->detail);
    co_return;
  }
  const auto wait = turn_away();
  if (wait) {
    co_await send_busy(std::move(link), *wait);
    co_return;
  }
  const auto* row = registry_.find(link->peer().serial);
  if (row == nullptr) co_return;
  const auto id = next_id_++;
  auto session = std::make_shared<AgentSession>(*this, std::move(link), *row, id);
  all_[id] = session;
  co_await session->run();
}

Task<bool> Gateway::settle(std::shared_ptr<AgentSession> newer) {
  for (;;) {
    const auto it = live_.find(newer->terminal());
    if (it == live_.end() || it->second == newer) {
      live_[newer->terminal()] = newer;
      co_return false;
    }
    const auto older = it->second;
    if (older->epoch() != newer->epoch()) {
      // Another start of the agent, or another agent with the same identity: only an answer tells.
      const bool answered = co_await older->alive(limits_.probe_answer);
      const auto still = live_.find(newer->terminal());
      if (still == live_.end() || still->second != older) continue;  // somebody was quicker
      if (answered) {
        ++figures_.quarantined;
        log::error("two-agents-of-one-identity", {{"terminal", newer->terminal_code()}});
        co_return true;
      }
    }
    // Its place is taken before it ends, so that its end does not count as the terminal's.
    live_[newer->terminal()] = newer;
    // Whoever is quarantined beside it is judged anew: against this one.
    release_quarantined(newer->terminal());
    older->end(wire::close_superseded, "a newer session of this terminal");
    co_return false;
  }
}

void Gateway::release_quarantined(TerminalKey terminal) {
  for (const auto& [id, weak] : all_) {
    const auto session = weak.lock();
    if (session && session->terminal() == terminal && session->quarantined()) {
      session->end(wire::close_superseded, "the other agent of this identity is gone: dial again");
    }
  }
}

bool Gateway::has_quarantined(TerminalKey terminal) const {
  return std::ranges::any_of(all_, [&](const auto& entry) {
    const auto session = entry.second.lock();
    return session && session->terminal() == terminal && session->quarantined();
  });
}

void Gateway::deliver(TerminalKey terminal) {
  const auto live = live_.find(terminal);
  if (live != live_.end()) live->second->deliver();
}

void Gateway::left(const AgentSession& session) {
  credit_.leave(session.id());
  all_.erase(session.id());
  if (all_.empty()) emptied_.cancel();
  hand_out_credit();
}

void Gateway::note_end(const std::shared_ptr<Session>& session, WallTime last_heard) {
  unwritten_ends_.erase(session->terminal);
  auto job = close_job(session, last_heard);
  job.after = [this, executor = executor_, session, last_heard](const Result<void>& done) {
    if (done || !of_the_disk(done.error())) return;
    asio::post(executor, [this, session, last_heard] {
      unwritten_ends_.insert_or_assign(session->terminal, Ended{session, last_heard});
    });
  };
  writer_.post(std::move(job));
}

void Gateway::writes_again() {
  for (const auto& [terminal, ended] : std::exchange(unwritten_ends_, {})) {
    // A session that is there now told the store so, or will have an end of its own.
    if (!live_.contains(terminal)) note_end(ended.session, ended.last_heard);
  }
}

void Gateway::hand_out_credit() {
  while (const auto granted = credit_.next_grant()) {
    const auto it = all_.find(granted->session);
    if (it == all_.end()) continue;
    if (const auto session = it->second.lock()) session->grant(granted->bytes);
  }
}

double Gateway::drawn() { return std::uniform_real_distribution<double>{0.0, 1.0}(random_); }

std::optional<Duration> Gateway::turn_away() {
  const auto writer = writer_.figures();
  const auto wait =
      door_.turn_away({all_.size(), writer.queued, writer.queued_bytes, writer.behind}, drawn());
  if (!wait) return wait;
  ++figures_.turned_away;
  const auto now = clock_.mono();
  if (!told_away_ || now - *told_away_ >= postponed_every) {
    told_away_ = now;
    // Also for those who are turned away until the next time.
    sent_away(door_.longest(*wait) + postponed_every);
  }
  return wait;
}

Task<void> Gateway::send_busy(std::unique_ptr<link::Link> link, Duration retry_after) {
  pb::Envelope envelope;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(retry_after).count();
  envelope.mutable_busy()->set_retry_after_ms(static_cast<std::uint32_t>(ms));
  auto frame = wire::encode(envelope);
  auto sent = co_await with_deadline(link->send(std::move(frame)), farewell_limit);
  if (sent) co_await link->close(wire::close_busy.code, "busy");
  link->cut();
}

void Gateway::note_use(const CertificateRow& row) {
  auto superseded = std::make_shared<std::vector<CertificateRow>>();
  Job job;
  job.terminal = row.terminal;
  job.work = [serial = row.serial, superseded](Work& work) -> Result<void> {
    *superseded = work.store().identities().first_used(serial, work.now());
    return {};
  };
  job.after = [this, executor = executor_, serial = row.serial,
               superseded](const Result<void>& done) {
    if (!done) return;
    asio::post(executor, [this, serial, superseded] {
      registry_.mark_used(serial);
      registry_.mark_superseded(*superseded);
    });
  };
  writer_.post(std::move(job));
}

void Gateway::revoked(const std::vector<CertificateRow>& rows) {
  registry_.put(rows);
  std::set<std::string_view> serials;
  for (const auto& row : rows) serials.insert(row.serial);
  for (const auto& [id, weak] : all_) {
    const auto session = weak.lock();
    if (session && serials.contains(session->serial())) {
      session->end(wire::close_revoked, "the certificate is revoked: enrol this kiosk again");
    }
  }
}

Task<void> Gateway::wait_until_empty(Duration within) {
  if (all_.empty()) co_return;
  emptied_.expires_after(within);
  co_await emptied_.async_wait(as_result);
}

void Gateway::hurry() {
  hurried_ = true;
  emptied_.cancel();
}

void Gateway::sent_away(Duration hint) {
  Job job;
  job.ahead = true;
  job.work = [back = clock_.wall() + hint + agents_spread](Work& work) -> Result<void> {
    work.sent_away(back);
    return {};
  };
  writer_.post(std::move(job));
}

Task<std::size_t> Gateway::drain(Duration retry_after, Duration within) {
  if (drain_) co_return co_await join_drain(within);
  door_.shut(retry_after);
  const auto under_way = std::make_shared<Drain>();
  under_way->crowd = all_.size();
  drain_ = under_way;
  // Before anybody leaves: committed ahead of the ends of their sessions.
  sent_away(door_.hint(retry_after, under_way->crowd, 1.0));
  co_await send_everybody_off(retry_after, within, under_way->crowd);
  under_way->over = true;
  for (auto* waiting : under_way->waiting) waiting->cancel();
  drain_.reset();
  co_return under_way->crowd;
}

Task<std::size_t> Gateway::join_drain(Duration within) {
  const auto under_way = drain_;
  asio::steady_timer over{executor_, within};
  under_way->waiting.push_back(&over);
  co_await over.async_wait(as_result);
  if (!under_way->over) {
    hurry();
    over.expires_at(asio::steady_timer::time_point::max());
  }
  while (!under_way->over) co_await over.async_wait(as_result);
  co_return under_way->crowd;
}

Task<void> Gateway::send_everybody_off(Duration retry_after, Duration within, std::size_t crowd) {
  for (const auto& [id, weak] : all_) {
    const auto session = weak.lock();
    if (session) session->drain(door_.hint(retry_after, crowd, drawn()));
  }
  co_await wait_until_empty(within);
  for (const auto& [id, weak] : all_) {
    const auto session = weak.lock();
    if (session) session->end(wire::close_drain, "the collector is drained");
  }
  if (!hurried_) co_await wait_until_empty(2 * farewell_limit);
  for (const auto& [id, weak] : all_) {
    const auto session = weak.lock();
    if (session) session->cut();
  }
  co_await wait_until_empty(cut_limit);
}

GatewayFigures Gateway::figures() const {
  GatewayFigures out = figures_;
  out.sessions = all_.size();
  out.draining = door_.is_shut();
  return out;
}

}  // namespace kw::collector
