#pragma once

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/uplink/backoff.hpp"
#include "agent/uplink/session.hpp"
#include "common/link/link.hpp"
#include "common/task.hpp"
#include "tests/fleet/shelf.hpp"
#include "tests/fleet/tally.hpp"

namespace kw::fleet {

/// One played kiosk: the agent's own session, back-off and link; in memory what the agent has on
/// disk. io thread only; outlives the coroutines that it starts when `run` has ended.
class Kiosk {
 public:
  struct Options {
    std::string code;
    link::Endpoint collector;
    std::shared_ptr<const link::ClientTls> tls;
    agent::Session::Options session;
    agent::Backoff::Options backoff;
    agent::SessionFacts facts;
    std::uint64_t seed = 1;
  };
  Kiosk(const asio::any_io_executor& executor, const Clock& clock, Options options, Tally& tally);

  /// Dials after `delay`, and again whenever a session is lost, until `finish`.
  Task<void> run(Duration delay);
  /// Writes an event, connected or not.
  void tell(const pb::Event& event);
  /// The network is away: the connection breaks, and no dial succeeds, until `heal`.
  void part();
  void heal();
  /// Says goodbye as soon as all is acknowledged; `run` ends then, or when `limit` is over.
  void finish(Duration limit);

  const std::string& code() const { return options_.code; }
  const Shelf& shelf() const { return shelf_; }
  bool all_acknowledged() const { return shelf_.acked() == shelf_.last(); }

 private:
  struct Talk;

  Task<std::optional<Duration>> round();
  Task<void> talk(std::shared_ptr<Talk> talk);
  Task<void> listen(std::shared_ptr<Talk> talk);
  Task<void> write(std::shared_ptr<Talk> talk);
  Task<void> beat(std::shared_ptr<Talk> talk);
  void perform(Talk& talk, agent::Actions actions);
  void established(Talk& talk);
  void end_when_quiet();
  void blame(const std::string& why);
  agent::Seen now() const { return {clock_.mono(), clock_.wall()}; }

  asio::any_io_executor executor_;
  const Clock& clock_;
  Options options_;
  Tally& tally_;
  Shelf shelf_;
  agent::Backoff backoff_;
  asio::steady_timer wake_;  ///< cancelled to end a pause
  std::shared_ptr<Talk> talk_;
  std::optional<MonoTime> lost_at_;
  std::optional<MonoTime> give_up_at_;
  bool parted_ = false;
  bool stopping_ = false;
};

}  // namespace kw::fleet
