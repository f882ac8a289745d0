#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/consumables/supplies.hpp"
#include "agent/debounce/debounce.hpp"
#include "agent/debounce/flapping.hpp"
#include "agent/debounce/presence.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/poll/board.hpp"
#include "agent/poll/reported.hpp"
#include "agent/poll/schedule.hpp"
#include "common/i18n.hpp"
#include "drivers/driver.hpp"
#include "drivers/ports/open.hpp"

namespace kw::agent {

using OpenPort = std::function<Result<std::unique_ptr<drivers::Port>>(
    const drivers::PortAddress& address, MonoTime deadline)>;

/// The one thread that speaks to the devices of one port, in turn. What it finds goes through
/// presence and debounce to the recorder.
///
/// A driver that overruns costs this thread only: `watch` cancels its port, then reports it as
/// stuck; no second thread is ever started for the port. The object outlives a thread that is
/// stuck, since that thread shares it.
class DeviceWorker : public std::enable_shared_from_this<DeviceWorker> {
 public:
  /// A call that takes so many times its deadline is stuck.
  static constexpr int stuck_past = 10;

  struct Timing {
    Duration deadline = std::chrono::seconds{2};  ///< of one call into a driver
    Duration sample = std::chrono::seconds{30};
    Duration retry = std::chrono::milliseconds{500};  ///< after a miss that is not yet believed
    /// A device that was absent for this long is asked only every `absent_every`, or at its own
    /// interval when that is longer.
    Duration absent_after = std::chrono::minutes{1};
    Duration absent_every = std::chrono::seconds{10};
    Flapping::Limits flapping;
    std::uint64_t seed = 1;  ///< of the schedule's jitter
    /// Whether a citizen is being served now; any thread. Empty: nobody can say.
    std::function<bool()> serving = {};
  };
  struct Device {
    std::string name;
    std::unique_ptr<drivers::Driver> driver;
    Duration poll;
    Duration settle;
    Duration start;  ///< first poll this long after `start`
    /// Whether the port stays open between polls. Given back, the business application can use it.
    bool hold_port = true;
    Reported results{ResultLimits{}};  ///< what applications reported before
    bool poll_in_session = true;       ///< false: left alone while a citizen is being served
  };

  /// `supplies`: adds what is known of consumables, if given; outlives the thread.
  DeviceWorker(const drivers::PortAddress& address, std::vector<Device> devices,
               const Timing& timing, OpenPort open, Recorder& recorder, Board& board,
               const Clock& clock, Supplies* supplies = nullptr);
  ~DeviceWorker();

  void start();
  /// Asks the thread to end and cancels a running call. Does not wait.
  void stop();
  /// Waits at most `limit` for the thread to end; false: it is stuck, and left alone.
  bool ended_within(Duration limit);

  /// Called now and then by the poller: cancels a call that is past twice its deadline, reports one
  /// past ten times as stuck, answers a self-test that is late. Any thread.
  void watch();

  /// The device numbered `entry` (from 0, as given) is polled at once. Any thread.
  void poll_now(std::size_t entry);
  /// An application's result with the device numbered `entry`: judged on this worker's thread, at
  /// once and without touching the port; once the driver is back when it is stuck. Any thread.
  void report(std::size_t entry, DeviceResult result);
  /// Every device that did not answer last is polled at once: something was plugged in. Any thread.
  void poll_absent();
  /// Every device is polled at once: something was pulled out. One that is gone by that look is
  /// believed to be: no retry is waited for. Any thread.
  void poll_left();
  /// Whether a driver of this port is stuck now. Any thread.
  bool stuck() const;
  /// When the last look at a device ended; before the first, when the worker was started. Any
  /// thread.
  MonoTime last_look() const;

  using TestDone = std::function<void(Result<drivers::SelfTest>)>;
  struct TestOrder {
    std::size_t entry = 0;
    std::string what;        ///< of the card's self tests, or `poll_test` when it has none
    bool poll_only = false;  ///< the test is one poll
    Duration limit{};        ///< from now, the wait for its turn included
    Lang lang = Lang::en;    ///< of the errors' sentences
    TestDone done;           ///< called exactly once, from any thread, never under a lock
  };
  /// Runs a self-test between two polls. What it finds or fails with is no poll: nothing is
  /// counted as a miss or reported as state; the device is polled right after it. Any thread.
  void self_test(TestOrder order);

 private:
  struct Polled {
    Device device;
    Presence presence;
    Debounce debounce;
    Flapping flapping;
    bool attached = false;  ///< the driver has the port
    std::optional<wire::Identity> identity;
    MonoTime next_sample{};
    std::optional<MonoTime> absent_since;  ///< the first of the misses in a row, a busy port apart
    Reported results;
    std::optional<Reported::Heard> heard;  ///< what the device itself said last
    std::optional<MonoTime> missed_since;
    Errc missed_for = Errc::timeout;
    std::optional<wire::Status> missed_as;  ///< what that is reported as, once it is believed
    std::optional<MonoTime> reported_at;    ///< of the report that is the status now
    bool proven = false;                    ///< as it was recorded last
    bool not_there = false;                 ///< its driver answered that it is not attached
    bool may_have_left = false;             ///< something was pulled out since it answered
  };
  struct Call {
    const Polled* polled;
    MonoTime started;
    Duration limit;  ///< that the driver was given
    bool cancelled = false;
    bool stuck = false;
  };
  struct Test {
    TestOrder order;
    MonoTime until;
    bool running = false;
  };
  struct Told {
    std::size_t entry = 0;
    DeviceResult result;
  };
  /// What the thread does next: a test, an application's result, or a look at one device.
  struct Turn {
    std::shared_ptr<Test> test;
    std::optional<DeviceResult> result;
    std::size_t entry = 0;
  };

  void work();
  void take_wanted(MonoTime now);
  std::optional<Turn> next_turn();
  void look(std::size_t entry);
  bool resting(const Polled& polled) const;
  /// `use`: also a port that polls leave to another program is opened.
  Result<void> attach(Polled& polled, Step& step, bool use = false);
  void run_test(Test& test);
  Result<drivers::SelfTest> tested(Polled& polled, const Test& test);
  void answer_test(Test& test, Result<drivers::SelfTest> result);
  Error test_error(Errc code, const Text& text, const Test& test) const;
  void watch_test();
  Result<wire::Status> ask(Polled& polled, Step& step);
  void tell(Polled& polled, const wire::Status& status, MonoTime now);
  /// Whether the status shows that what the device told of itself before is over: by an application
  /// that worked with it since, or by a poll that sees all there is to be seen.
  static bool proves(const Polled& polled, const wire::Status& status, MonoTime now);
  void end_flapping(Polled& polled, MonoTime now);
  Duration at_least(const Polled& polled, MonoTime now) const;
  void answered(std::size_t entry, wire::Status status, MonoTime now);
  void missed(std::size_t entry, Step step, const Error& why, MonoTime now);
  void take_result(std::size_t entry, DeviceResult result);
  /// What stands once the device's own word (`heard`) or its silence (`missed_as`) and what
  /// applications report are held against each other.
  void conclude_heard(std::size_t entry, bool other_unit, MonoTime now);
  void conclude_missed(std::size_t entry, MonoTime now);
  /// The status is what an application reported: notes when, and samples its age.
  void by_report(Polled& polled, MonoTime now);
  void conclude(std::size_t entry, wire::Status status, bool other_unit, MonoTime now);
  /// The deadline of a call that takes `limit`; Errc::disconnected once the thread is to end.
  Result<MonoTime> begin_call(const Polled& polled, Duration limit);
  void end_call();
  bool stopped() const;
  void give_back_port();
  void close_port();

  drivers::PortAddress address_;
  std::vector<Polled> devices_;
  Timing timing_;
  OpenPort open_;
  Recorder& recorder_;
  Board& board_;
  const Clock& clock_;
  Supplies* supplies_;
  Schedule schedule_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<drivers::Port> port_;  ///< replaced under the mutex, used by the thread alone
  bool port_in_use_ = false;             ///< `port_` is more than a look at it
  std::optional<Call> call_;
  bool reporting_ = false;           ///< `watch` records that the call is stuck
  std::shared_ptr<Test> test_;       ///< the one that waits or runs
  std::vector<std::size_t> wanted_;  ///< to be polled at once
  std::deque<Told> told_;            ///< results that were not judged yet
  bool absent_wanted_ = false;
  bool left_wanted_ = false;
  MonoTime last_look_{};
  bool stopping_ = false;
  bool ended_ = true;
  std::thread thread_;
};

}  // namespace kw::agent
