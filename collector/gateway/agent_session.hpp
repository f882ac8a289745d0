#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "collector/gateway/gateway.hpp"
#include "common/wire/close_codes.hpp"

namespace kw::collector {

/// So long a peer may take to read our last frame; then as long again to answer the closing.
inline constexpr auto farewell_limit = std::chrono::seconds{2};

/// One kiosk's connection from Hello to its end: reads frames, hands them to the writer, sends acks
/// after the commit. io thread only.
class AgentSession : public std::enable_shared_from_this<AgentSession> {
 public:
  AgentSession(Gateway& gateway, std::unique_ptr<link::Link> link, CertificateRow row,
               CreditPool::SessionId id);

  /// The whole life. Returns when the connection is over.
  Task<void> run();

  TerminalKey terminal() const { return row_.terminal; }
  const std::string& terminal_code() const { return row_.terminal_code; }
  CreditPool::SessionId id() const { return id_; }
  std::uint64_t epoch() const { return epoch_; }
  bool quarantined() const { return facts_ && facts_->quarantined; }

  const std::string& serial() const { return row_.serial; }

  /// Asks the agent to leave once what is under way is acknowledged, and to come back after a
  /// while.
  void drain(Duration retry_after);
  /// Sends Bye and closes with the code; over within 5 s whatever the peer does. Frames that come
  /// after are not taken.
  void end(const wire::CloseCode& code, std::string reason);
  void cut() { link_->cut(); }
  link::Link& link() { return *link_; }
  void sent() { --unsent_; }
  /// Asks for a heartbeat; true when one came before the session ended or time was up. Other frames
  /// prove nothing: they may have been under way when their agent was killed.
  Task<bool> alive(Duration within);
  void grant(std::uint32_t bytes);
  /// Fetches and sends what the kiosk has not been told yet; nothing to a quarantined one.
  void deliver();
  void send(const pb::Envelope& envelope);

 private:
  using Frame = std::shared_ptr<const pb::Envelope>;
  Task<Result<Frame>> next(Duration within);
  Task<bool> greet();
  Task<void> listen();
  void take(const Frame& frame, std::size_t bytes);
  void take_batch(std::shared_ptr<const pb::Batch> batch, std::size_t bytes);
  void batch_done(const Result<BatchAnswer>& answer, std::uint64_t epoch, std::uint32_t spent);
  void answered();
  void delivered(const std::vector<pb::Envelope>& envelopes);
  Task<void> say_bye(std::uint16_t code, std::string reason);
  void heard();

  Gateway& gateway_;
  std::unique_ptr<link::Link> link_;
  CertificateRow row_;
  CreditPool::SessionId id_;
  std::uint64_t epoch_ = 0;
  std::shared_ptr<Session> facts_;
  bool backlog_ = false;
  bool snapshot_seen_ = false;
  bool ending_ = false;
  bool welcomed_ = false;
  bool delivering_ = false;     ///< one fetch at a time
  bool deliver_again_ = false;  ///< asked for meanwhile
  bool bye_begun_ = false;
  bool bye_done_ = false;
  std::uint64_t heartbeats_ = 0;
  int inventories_ = 0;
  int in_flight_ = 0;        ///< handed to the writer, not yet answered
  int unsent_ = 0;           ///< frames that wait for a slow peer
  asio::steady_timer room_;  ///< cancelled when one of those is answered
  asio::steady_timer gone_;  ///< cancelled when the farewell is over
  WallTime last_heard_{};
  asio::steady_timer* probe_ = nullptr;  ///< a newer session waits for our sign of life
};

}  // namespace kw::collector
