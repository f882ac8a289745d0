#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/gateway/bundle_uploads.hpp"
#include "collector/gateway/credit.hpp"
#include "collector/gateway/doorkeeper.hpp"
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
    Doorkeeper::Limits door;
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

  /// Lets nobody in any more, tells every session to come back after `retry_after` (spread over as
  /// long as their return takes), and waits until they have left, which they do once everything
  /// under way is acknowledged. Who has not left `within` is closed, then cut. Returns how many
  /// there were. Nobody who was sent away counts as silent before being due back. Whoever drains
  /// while a drain is under way waits for that one, `within` at most before it hurries.
  Task<std::size_t> drain(Duration retry_after, Duration within);
  /// A drain under way waits no longer.
  void hurry();

  /// Certificates were revoked, and the commit is done: from now on they open nothing, and sessions
  /// that stand on them are closed.
  void revoked(const std::vector<CertificateRow>& rows);

  /// The disk takes writes again: sessions' ends that it did not take are written now.
  void writes_again();

  GatewayFigures figures() const;

 private:
  friend class AgentSession;

  /// Makes room for a new session of its terminal: ends the older one, or finds that it is alive
  /// (then the new one is quarantined).
  Task<bool> settle(std::shared_ptr<AgentSession> newer);
  void left(const AgentSession& session);
  /// The terminal's live session is over: one that was quarantined beside it may try again.
  void release_quarantined(TerminalKey terminal);
  /// A second agent of the terminal's identity is connected.
  bool has_quarantined(TerminalKey terminal) const;
  /// The terminal's session is over, and none is in its place. What the disk does not take of that
  /// is written later: else the terminal would count as connected for ever.
  void note_end(const std::shared_ptr<Session>& session, WallTime last_heard);
  void hand_out_credit();
  /// When somebody at the door should come again; nothing: let in.
  std::optional<Duration> turn_away();
  Task<void> send_busy(std::unique_ptr<link::Link> link, Duration retry_after);
  /// The first session on a certificate: its terminal's older ones are superseded.
  void note_use(const CertificateRow& row);
  Task<void> wait_until_empty(Duration within);
  Task<std::size_t> join_drain(Duration within);
  Task<void> send_everybody_off(Duration retry_after, Duration within, std::size_t crowd);
  /// Some were told to come back after `hint`, at the latest: their silence is our doing.
  void sent_away(Duration hint);
  double drawn();

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
  struct Ended {
    std::shared_ptr<Session> session;
    WallTime last_heard;
  };
  std::map<TerminalKey, Ended> unwritten_ends_;
  CreditPool::SessionId next_id_ = 1;
  GatewayFigures figures_;
  Doorkeeper door_;
  std::mt19937_64 random_;
  asio::steady_timer emptied_;  ///< cancelled when the last session has left, or by `hurry`
  bool hurried_ = false;
  /// A drain under way.
  struct Drain {
    std::size_t crowd = 0;
    bool over = false;
    std::vector<asio::steady_timer*> waiting;  ///< of others who asked for it too
  };
  std::shared_ptr<Drain> drain_;
  std::optional<MonoTime> told_away_;  ///< when turning away last postponed silence
};

}  // namespace kw::collector
