#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "collector/gateway/bundle_uploads.hpp"
#include "collector/gateway/credit.hpp"
#include "collector/gateway/enrolment.hpp"
#include "collector/gateway/figures.hpp"
#include "collector/gateway/registry.hpp"
#include "collector/writer/session_jobs.hpp"
#include "common/link/link.hpp"

namespace kw::collector {

class AgentSession;

/// The agents' side of the collector: certificate → terminal → session. One live session a terminal
/// (data path, section 4). io thread only.
class Gateway final : public link::Host {
 public:
  struct Limits {
    Duration hello_within = std::chrono::seconds{10};
    Duration silent_after = std::chrono::seconds{90};  ///< 3 heartbeats of 30 s
    Duration probe_answer = std::chrono::seconds{10};  ///< the older of two sessions
    std::uint64_t backlog_pool = 64ULL * 1024 * 1024;
  };
  Gateway(asio::any_io_executor executor, Writer& writer, Registry& registry, Enrolment& enrolment,
          BundleUploads& bundles, const Clock& clock, Limits limits);
  ~Gateway() override;

  std::optional<link::Refusal> admit(const link::PeerCertificate& peer) override;
  Task<link::BodyGrant> allow(link::HttpRequest head, link::PeerCertificate peer) override;
  Task<link::HttpResponse> answer(link::HttpRequest request, link::PeerCertificate peer) override;
  Task<void> serve(std::unique_ptr<link::Link> link) override;

  /// Something waits for this terminal: its live session fetches and sends it.
  void deliver(TerminalKey terminal);

  /// Tells every session to come back after a while, then closes it.
  Task<void> drain(Duration retry_after);

  GatewayFigures figures() const;

 private:
  friend class AgentSession;

  /// Makes room for a new session of its terminal: ends the older one, or finds that it is alive
  /// (then the new one is quarantined).
  Task<bool> settle(std::shared_ptr<AgentSession> newer);
  void left(const AgentSession& session);
  /// The terminal's live session is over: one that was quarantined beside it may try again.
  void release_quarantined(TerminalKey terminal);
  void hand_out_credit();

  asio::any_io_executor executor_;
  Writer& writer_;
  Registry& registry_;
  Enrolment& enrolment_;
  BundleUploads& bundles_;
  const Clock& clock_;
  Limits limits_;
  CreditPool credit_;
  std::map<TerminalKey, std::shared_ptr<AgentSession>> live_;
  std::map<CreditPool::SessionId, std::weak_ptr<AgentSession>> all_;
  CreditPool::SessionId next_id_ = 1;
  GatewayFigures figures_;
};

}  // namespace kw::collector
