#include "collector/gateway/gateway.hpp"

#include <utility>

#include "collector/gateway/agent_session.hpp"
#include "common/link/http_date.hpp"
#include "common/log.hpp"

namespace kw::collector {

Gateway::Gateway(asio::any_io_executor executor, Writer& writer, Registry& registry,
                 Enrolment& enrolment, BundleUploads& bundles, const Clock& clock, Limits limits)
    : executor_(std::move(executor)),
      writer_(writer),
      registry_(registry),
      enrolment_(enrolment),
      bundles_(bundles),
      clock_(clock),
      limits_(limits),
      credit_(limits.backlog_pool) {}

Gateway::~Gateway() = default;

std::optional<link::Refusal> Gateway::admit(const link::PeerCertificate& peer) {
  auto refusal = registry_.admit(peer);
  if (refusal) ++figures_.refused;
  return refusal;
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
  const auto* row = registry_.find(link->peer().serial);
  if (row == nullptr) co_return;
  if (row->revoked) {  // between the handshake and the upgrade
    co_await link->close(wire::close_revoked.code, "the certificate is revoked");
    co_return;
  }
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

void Gateway::deliver(TerminalKey terminal) {
  const auto live = live_.find(terminal);
  if (live != live_.end()) live->second->deliver();
}

void Gateway::left(const AgentSession& session) {
  credit_.leave(session.id());
  all_.erase(session.id());
  hand_out_credit();
}

void Gateway::hand_out_credit() {
  while (const auto granted = credit_.next_grant()) {
    const auto it = all_.find(granted->session);
    if (it == all_.end()) continue;
    if (const auto session = it->second.lock()) session->grant(granted->bytes);
  }
}

Task<void> Gateway::drain(Duration retry_after) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(retry_after).count();
  for (const auto& [id, weak] : all_) {
    const auto session = weak.lock();
    if (!session) continue;
    pb::Envelope envelope;
    envelope.mutable_drain()->set_retry_after_ms(static_cast<std::uint32_t>(ms));
    session->send(envelope);
    session->end(wire::close_drain, "the collector is stopping");
  }
  asio::steady_timer pause{executor_};
  for (int i = 0; i < 20 && !all_.empty(); ++i) {
    pause.expires_after(std::chrono::milliseconds{100});
    co_await pause.async_wait(as_result);
  }
}

GatewayFigures Gateway::figures() const {
  GatewayFigures out = figures_;
  out.sessions = all_.size();
  return out;
}

}  // namespace kw::collector
