#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include "agent/configuration/files.hpp"
#include "agent/configuration/rules.hpp"
#include "common/clock.hpp"
#include "common/task.hpp"
#include "common/worker.hpp"

namespace kw::agent {

/// Which configuration is in force: the kiosk's own file or what the collector pushed. Takes pushed
/// ones, tries them, goes back, and tells the collector what became of each. io thread.
class Reconfigurer {
 public:
  struct Hands {
    /// Makes what runs follow this configuration from now on, sessions included. Returns what does
    /// not follow before the next start, for people; empty: all does.
    std::function<Task<std::string>(std::shared_ptr<const InForce>)> apply;
    /// Puts the report into the outbox; returns once it is there.
    std::function<Task<void>(pb::ConfigurationReport)> report;
    /// Why there is no session with the collector; empty: nothing is known.
    std::function<std::string()> unreached;
  };

  /// `helper` runs what writes files.
  Reconfigurer(asio::any_io_executor executor, const Clock& clock, Worker& helper,
               const std::filesystem::path& data, std::filesystem::path own_file);

  /// Before anything runs: decides what this run begins with. May write files.
  std::shared_ptr<const InForce> decide();
  /// What `decide` or a later change chose.
  std::shared_ptr<const InForce> in_force() const { return in_force_; }
  /// Whether the kiosk's own file forbids pushed ones.
  bool local_only() const { return !accepts_; }

  /// Reports what is owed from the run before and watches a trial that goes on.
  void start(Hands hands);
  /// The collector sent one.
  void received(const pb::Configuration& configuration);
  /// A session was established: what is tried has proved itself, once the drivers have run a while.
  void established();
  /// The collector was reached and trusted and wants us again after this time: no fault of what is
  /// tried, so its time begins anew then.
  void put_off(Duration retry_after);
  /// The agent stops: nothing is taken, tried or rolled back any more; the next start goes on.
  void stop();

  /// `{source, hash, state, detail, local_file, accepts, reported_hash, reported_at}` for
  /// kioskctl; `state` is trial, applied, refused, rolled-back or, while nothing was pushed, local.
  boost::json::object status() const;

 private:
  /// Whether a text that was refused is refused from now on without a look.
  enum class Known { remembered, forgotten };

  void wake();
  Task<void> work();
  Task<void> take(pb::Configuration configuration);
  Task<void> begin_trial(InForce next);
  Task<void> confirm();
  Task<void> roll_back();
  Task<void> watch_trial();
  void report(Judgement judgement, Known known);
  Task<void> tell_owed();
  const Judgement* rejected(const std::string& hash) const;
  Judgement judged(const std::string& hash, pb::ConfigurationReport::State state,
                   const std::string& detail) const;
  InForce read_kept(const std::string& text) const;
  Lang lang() const { return in_force_->config->language; }

  asio::any_io_executor executor_;
  const Clock& clock_;
  Worker& helper_;
  ConfigurationFiles files_;
  std::filesystem::path own_file_;
  Hands hands_;
  History history_;
  std::shared_ptr<const InForce> in_force_;
  bool accepts_ = true;
  bool trying_ = false;  ///< in force, not proved yet
  std::string tried_;    ///< hash of what is tried
  std::string left_;     ///< what of it follows at the next start only
  std::optional<pb::Configuration> wanted_;
  bool proved_ = false;   ///< a session was established since it is tried
  bool ripe_ = false;     ///< it has run long enough to show whether its drivers end the agent
  bool overdue_ = false;  ///< none was, and the time is over
  bool heard_ = false;  ///< a session began since the last rollback was told: it brings that again
                        ///< only if somebody pushed it anew
  bool working_ = false;
  MonoTime ends_at_{};  ///< of the trial
  bool stopping_ = false;
  asio::steady_timer deadline_;
};

}  // namespace kw::agent
