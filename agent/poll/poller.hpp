#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/outbox/journal.hpp"
#include "agent/poll/board.hpp"
#include "agent/poll/device_worker.hpp"
#include "agent/poll/results.hpp"
#include "agent/progress.hpp"
#include "common/bilingual.hpp"
#include "common/task.hpp"

namespace kw::agent {

struct AgentConfig;

/// What outlives every poller and its workers; each may be left out.
struct PollContext {
  Supplies* supplies = nullptr;     ///< adds what is known of consumables
  Results* results = nullptr;       ///< what applications reported before this poller began
  std::function<bool()> serving{};  ///< whether a citizen is being served now; any thread
};

/// Asks every configured device for its status: one worker a port, and one thread that watches that
/// none of them hangs. Devices that are disabled or configured wrongly are reported once, unasked.
/// Keeps nothing of the configuration it was made from.
class Poller {
 public:
  /// `left`: ports, as written, at which an earlier poller's driver is stuck: no second thread is
  /// started for them before `start_port`, their devices are reported as such.
  Poller(const AgentConfig& config, OpenPort open, Recorder& recorder, Board& board,
         const Clock& clock, std::uint64_t seed, const std::set<std::string>& left = {},
         PollContext context = {});
  ~Poller();

  void start();
  /// Ends every worker. False when one is stuck: its thread still uses what this was given, so the
  /// process has to leave without destroying that.
  bool stop(Duration limit);
  /// The driver that was stuck at `port` of `left` has ended: its devices are polled from now on.
  void start_port(const std::string& port);

  using Left = std::map<std::string, std::shared_ptr<DeviceWorker>>;
  /// After `stop`: the workers that did not end, by port.
  Left left() const;

  /// How far polling has come; ports of `left` do not count. Any thread.
  PollProgress progress() const;

  /// Polls `device`, or every device, at once. Errc::missing names the configured ones;
  /// Errc::refused says why that device is not polled at all. Any thread.
  Result<void> refresh(const std::optional<std::string>& device);

  /// What a business application found when it used `device` (see Reported): remembered, and merged
  /// with the device's polls on its own thread, without touching the port. Errors as `refresh`, in
  /// `lang`. Any thread.
  Result<void> report(const std::string& device, DeviceResult result, Lang lang);

  /// Something was plugged in: every device that did not answer last is polled at once, so that the
  /// long interval of absent devices delays nobody who repairs. Any thread.
  void port_appeared();
  /// A device was pulled out of this kiosk: every device that may be on it is polled at once, and
  /// the one that is gone is reported without the doubt that a miss has else. Any thread.
  void device_left();

  /// Runs the self-test `what` of the device's card on the device's own thread between two polls;
  /// empty: the card's only one; a card without any has the test "poll". Resumes on the awaiting
  /// coroutine's executor; this may be destroyed meanwhile. `limit` counts from now.
  ///
  /// Errc::missing, Errc::refused: as `refresh`, and while the driver is stuck; Errc::unsupported,
  /// Errc::invalid: no such test, or several and none named; Errc::busy: another test runs on the
  /// same port; Errc::timeout: not done within `limit`; any other: what the device failed with.
  Task<Result<drivers::SelfTest>> self_test(std::string device, std::string what, Duration limit,
                                            std::optional<Lang> lang = {});

 private:
  /// A configured device: its place, or why it is not polled.
  struct Target {
    std::shared_ptr<DeviceWorker> worker;
    std::size_t entry = 0;
    std::string port;
    const drivers::Card* card = nullptr;
    Bilingual refusal;
    std::optional<wire::Status> unasked;  ///< what is reported of one that is not polled
  };

  void watch();
  Result<const Target*> find(const std::string& device, Lang lang) const;
  bool is_left(const std::string& port) const;
  static Error stuck(const std::string& device, Lang lang);

  Lang lang_;
  std::map<std::string, Target> targets_;
  std::vector<std::string> names_;  ///< in the configuration's order
  Recorder& recorder_;
  const Clock& clock_;
  Results* results_;
  Duration watch_every_{};
  Duration look_limit_{};  ///< while workers work, one of them ends a look at least this often
  std::vector<std::shared_ptr<DeviceWorker>> workers_;
  std::vector<std::string> ports_;  ///< of the workers, as written
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::set<std::string> left_;  ///< ports whose worker waits for `start_port`
  bool stopping_ = false;
  std::thread watchdog_;
};

}  // namespace kw::agent
