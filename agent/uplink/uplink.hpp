#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/enroll/identity_files.hpp"
#include "agent/enroll/renewal.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/uplink/backoff.hpp"
#include "agent/uplink/session.hpp"
#include "common/bell.hpp"
#include "common/link/link.hpp"

namespace kw::agent {

enum class UplinkPhase { not_enrolled, connecting, draining, live, waiting, refused, stopped };
std::string_view name(UplinkPhase phase);

struct UplinkStatus {
  UplinkPhase phase = UplinkPhase::connecting;
  std::string server;                ///< the address in use, or dialled last
  std::vector<std::string> servers;  ///< all of them, in the order in which they are dialled
  std::string proxy;                 ///< without credentials; empty: none
  std::string terminal;
  bool quarantined = false;
  std::string last_error;  ///< why there is no session, empty while there is one
  /// Why the collector, once reached and trusted, opens no session: link::Refusal::code or the name
  /// of the close code ("revoked", "busy", …); empty while it does, or was not reached.
  std::string refusal;
  std::optional<WallTime> certificate_ends;
  std::optional<WallTime> renewal_due;
  std::string renewal_error;  ///< why the last attempt failed; empty while none has
  std::optional<WallTime> connected_since;
  std::optional<WallTime> last_ack;
  std::optional<WallTime> next_dial;
  std::optional<std::int64_t> clock_offset_us;
};

/// How a connection to a collector is made: `link::dial`, or what stands in for a network.
using Dial = std::function<Task<Result<std::unique_ptr<link::Link>>>(
    link::Endpoint server, std::shared_ptr<const link::ClientTls> tls, Duration step,
    std::optional<link::Refusal>* declined, std::optional<link::Proxy> proxy)>;

/// Keeps one session with a collector: dials its addresses in order, runs what the Session decides,
/// waits, dials again.
/// io thread only.
class Uplink {
 public:
  struct Options {
    std::filesystem::path folder;  ///< the data folder
    Session::Options session;
    Backoff::Options backoff;
    std::vector<link::Endpoint> collectors;  ///< before the one from enrolment
    std::optional<link::Proxy> proxy;
    std::uint64_t seed = 0;
    Duration renewal_look = std::chrono::minutes{1};  ///< how often the certificate's age is read
  };
  /// What a session brings that is for others. A collector's message is told once.
  struct Told {
    std::function<void(const pb::Command&)> command;
    std::function<void(const pb::Configuration&)> configuration;
    std::function<void()> established;  ///< a Welcome came
    /// The collector, reached and trusted, has no room and wants us again after this time.
    std::function<void(Duration retry_after)> put_off;
  };

  Uplink(asio::any_io_executor executor, Journal& journal, const Clock& clock,
         const Options& options, SessionFacts facts, Dial dial = &link::dial);
  ~Uplink();

  /// To be called before `run`.
  void on(Told told) { told_ = std::move(told); }
  /// Runs until `finish`.
  Task<void> run();
  /// These from now on (folder and seed stay). A session that stands is ended and a new one begun
  /// at once, so that the collector hears of the new devices.
  void use(const Options& options, SessionFacts facts);
  /// One HTTPS request to the collector that was reached last, as this kiosk.
  Task<Result<link::HttpResponse>> request(link::HttpRequest request, Duration limit);
  /// The collector's time; nothing while it has not told it in this run.
  std::optional<WallTime> collector_now() const;
  /// The outbox has written; to be posted from its thread, in order.
  void appended(const Appended& what);
  /// Rings when something was written or acknowledged.
  Bell& moved() { return moved_; }
  /// Gives what is written `limit` to be acknowledged, then says goodbye.
  Task<void> finish(Duration limit);

  const UplinkStatus& status() const { return status_; }

 private:
  struct Talk;

  std::vector<link::Endpoint> addresses() const;
  Task<std::optional<Duration>> round(std::shared_ptr<const link::ClientTls> credentials);
  Task<void> talk(std::unique_ptr<link::Link> link);
  Task<void> listen(std::shared_ptr<Talk> talk);
  Task<void> write(std::shared_ptr<Talk> talk);
  Task<void> beat(std::shared_ptr<Talk> talk);
  Task<void> fetch(std::shared_ptr<Talk> talk, act::Read wanted);
  void perform(const std::shared_ptr<Talk>& talk, Actions actions);
  void perform(Talk& talk, const act::Established& established);
  void end(Talk& talk, std::uint16_t code, std::string reason);
  void note_phase(const Talk& talk);
  std::optional<Duration> after_round(bool refused, std::optional<Duration> retry_after);
  std::optional<Duration> after_talk();
  Task<void> pause(std::optional<Duration> how_long);
  /// A pause that ends early when somebody has enrolled this kiosk again.
  Task<void> await_enrolment(Duration at_most);
  /// Renews the certificate in its time, or when the collector says that it has expired.
  Task<void> keep_certificate();
  Task<void> renew_certificate();
  void plan_renewal(const IdentityFiles& identity);
  bool renewal_wanted() const;
  /// The new certificate is used from the next connection on: ends this one once all is
  /// acknowledged.
  void reconnect_when_quiet();
  Result<std::shared_ptr<const link::ClientTls>> tls();
  Seen now() const { return {clock_.mono(), clock_.wall()}; }

  asio::any_io_executor executor_;
  Journal& journal_;
  const Clock& clock_;
  Options options_;
  SessionFacts facts_;
  Dial dial_;
  Backoff backoff_;
  Bell moved_;
  asio::steady_timer wake_;   ///< cancelled to end a pause
  asio::steady_timer quiet_;  ///< cancelled when all is acknowledged or the talk is over
  std::shared_ptr<Talk> talk_;
  UplinkStatus status_;
  std::shared_ptr<const link::ClientTls> tls_;
  std::optional<IdentityFiles> identity_;
  Told told_;
  link::Endpoint dialled_;                              ///< last
  std::optional<link::Endpoint> reached_;               ///< the collector that said Welcome last
  std::optional<Seen> collector_clock_;                 ///< its time at a moment of ours
  wire::AfterClose then_ = wire::AfterClose::back_off;  ///< how the last talk ended
  std::optional<Duration> hint_;
  std::optional<RenewalPlan> renewal_plan_;
  asio::steady_timer renewal_;             ///< cancelled to look at the certificate's age now
  std::optional<MonoTime> renewal_again_;  ///< after a failure: not before
  bool expired_ = false;                   ///< the collector said so
  bool reconnect_ = false;                 ///< for the sake of a new certificate
  bool redial_ = false;                    ///< that has been done: no pause
  bool contacted_ = false;                 ///< a collector has told the time at least once
  bool stood_ = false;                     ///< the last talk got as far as Welcome
  bool renewed_ = false;                   ///< `use` was called since the round began
  bool stopping_ = false;
};

}  // namespace kw::agent
