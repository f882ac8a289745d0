#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "agent/outbox/outbox.hpp"
#include "agent/serving.hpp"
#include "common/clock.hpp"

namespace kw::agent {

/// What became of something that an application told.
struct Entered {
  enum class How {
    written,    ///< it is in the outbox, on disk
    again,      ///< it was told before: `body` is what was answered then
    id_reused,  ///< something else was told under that id
    no_session,
    session_over,  ///< `reason` says how
    not_kept,      ///< nothing was written
  };
  How how = How::not_kept;
  std::string body = {};    ///< JSON, of `written` and `again`
  std::string reason = {};  ///< of `session_over`
};

/// Enters into the outbox what applications tell: each id once, over restarts too, and at most one
/// open session. A session that is open outlives a restart of the agent; one that nothing is heard
/// of, or that the kiosk's own restart ended, is ended with that reason. The time for which a kiosk
/// was off is nobody's session: one that was cut lasted until the agent's last sign of life before
/// that, or nobody knows how long. The outbox's thread only.
class Ledger {
 public:
  /// `serving` is kept up to date; both outlive this.
  Ledger(const Clock& clock, Serving& serving, std::string boot_id)
      : clock_(clock), serving_(serving), boot_id_(std::move(boot_id)) {}

  /// To be called before anything is entered, and with another time-out whenever it changes.
  void begin(Outbox& outbox, Duration session_timeout);

  /// Nobody can tell anything any more: the open session ends, now or with a later `expire`, also
  /// one that an earlier run left. Until `begin`.
  void close(Outbox& outbox);

  Entered begin_session(Outbox& outbox, const pb::ServiceSession& session);
  Entered end_session(Outbox& outbox, const std::string& id, const std::string& reason);
  Entered transaction(Outbox& outbox, pb::Transaction told);
  Entered clicks(Outbox& outbox, pb::Clicks told);
  Entered use(Outbox& outbox, pb::ConsumableUse told);

  /// Ends a session of which nothing was heard for too long, or that nobody can end.
  void expire(Outbox& outbox);

 private:
  struct Open {
    std::string id;
    std::string application;
    Seen begun;
    MonoTime heard{};  ///< when something was last told of it
    /// The kiosk went off meanwhile: nobody is served any more, whatever the disk takes now.
    bool cut = false;
    std::optional<Duration> lasted = {};  ///< of one that was cut, as far as that is known
  };

  Seen now() const { return {clock_.mono(), clock_.wall()}; }
  void resume(Outbox& outbox);
  bool is_open() const { return open_ && !open_->cut; }
  Telling ending(std::string reason, const Seen& seen) const;
  bool end_open(Outbox& outbox, const std::string& reason, const Seen& seen);
  void ended(const std::string& reason, const Seen& seen);
  std::string session_of(const std::string& said);
  Entered enter(Outbox& outbox, std::string name, std::string mark, const std::string& id,
                pb::Event event);

  const Clock& clock_;
  Serving& serving_;
  std::string boot_id_;
  Duration timeout_{};
  bool resumed_ = false;
  bool closed_ = false;
  std::optional<Open> open_;
};

}  // namespace kw::agent
