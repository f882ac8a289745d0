#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "collector/faults/judge.hpp"
#include "collector/store/store.hpp"
#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// The longest pause that an agent chooses between two tries (agent/uplink/backoff.hpp, `cap`).
inline constexpr auto agents_longest_pause = std::chrono::minutes{5};

/// What a job may use while the writer runs it: the store inside the group's transaction, the views
/// of terminals as the group has left them so far, and the bench for judging.
class Work {
 public:
  /// `no_silence_before`: no terminal counts as silent before.
  Work(Store& store, const Rules& rules, const Clock& clock, WallTime no_silence_before = {});

  Store& store() { return store_; }
  WallTime now() const { return now_; }
  TerminalView& view(TerminalKey terminal);
  Bench bench(TerminalKey terminal);
  /// Keeps what a stage decided: applies it and remembers what must happen after the commit.
  void apply(TerminalKey terminal, const Changes& changes);

  /// Kiosks were sent away until `back`, at the latest: nobody counts as silent before a silence
  /// window after that, also when the collector is restarted meanwhile.
  void sent_away(WallTime back);

  /// A job failed: its changes to the view are not the truth.
  void forget(TerminalKey terminal) { views_.erase(terminal); }
  void timers_changed() { timers_changed_ = true; }
  /// There is something to send to the terminal: after the commit the listener is told.
  void tell(TerminalKey terminal) { to_tell_.insert(terminal); }
  /// Something that people watch of this terminal has changed otherwise than by `apply`.
  void touch(TerminalKey terminal) { touched_.insert(terminal); }

 private:
  friend class Writer;
  Store& store_;
  const Rules& rules_;
  WallTime now_;
  WallTime no_silence_before_;
  std::map<TerminalKey, TerminalView> views_;
  std::vector<std::string> orders_opened_;
  std::set<TerminalKey> to_tell_;
  std::set<TerminalKey> touched_;  ///< whose state, faults or orders have changed
  bool timers_changed_ = false;
};

/// One thing to commit.
struct Job {
  TerminalKey terminal = 0;  ///< jobs of one terminal run together and in order
  std::size_t events = 0;
  std::size_t bytes = 0;
  bool ahead = false;     ///< people's acts go ahead of ingest
  bool foremost = false;  ///< while the disk does not take it, nothing else is committed
  /// Runs on the writer thread inside a part of the group's transaction. Errc::refused: the part is
  /// undone and that is the answer. Any other error: tried once more alone.
  std::function<Result<void>(Work&)> work;
  /// When `work` has failed twice and the disk is well: keeps the input aside instead. May be
  /// empty.
  std::function<Result<void>(Work&, const Error&)> last_resort;
  /// Called on the writer thread after COMMIT returned, or with why nothing was kept.
  std::function<void(const Result<void>&)> after;
  MonoTime posted{};  ///< set by `post`
};

/// Whether the disk, or who holds the file, is at fault, and not what was to be written.
bool of_the_disk(const Error& why);
/// Runs `work`; what it throws becomes Errc::garbled.
Result<void> guarded(const std::function<Result<void>()>& work);

/// The one thread and the one transaction (data path, section 4): takes whatever is queued, up to
/// 2,000 events or 1 MiB, commits it as one group, then lets each job's `after` acknowledge. Fires
/// timers between groups.
class Writer {
 public:
  struct Figures {
    std::uint64_t groups = 0;
    std::uint64_t events = 0;
    std::uint64_t failures = 0;
    std::uint64_t quarantined = 0;
    std::uint64_t orders = 0;
    std::size_t queued = 0;
    std::size_t queued_bytes = 0;
    Duration behind{};  ///< age of the oldest ingest job that is not committed yet
    WallTime last_commit{};
    bool failing = false;  ///< the last group with events could not be committed
  };

  /// Who runs the jobs: the writer's own thread, or its owner by `turn`, in a program of one
  /// thread.
  enum class Drive : std::uint8_t { own_thread, by_hand };

  /// `first` runs before anything else, timers included; while the disk does not take it, nothing
  /// else is committed either.
  Writer(std::unique_ptr<Store> store, Rules rules, const Clock& clock, Job first = {},
         Drive drive = Drive::own_thread);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// Commits what is queued, then ends the thread.
  ~Writer();

  /// Any thread. Dropped, with Errc::disconnected to `after`, once stopping.
  void post(Job job);
  void stop();

  /// By hand only: commits one group and fires what is due; false when there was neither. When time
  /// has stood still is not looked at: that is the thread's.
  bool turn();
  /// By hand only: when the next timer is due.
  std::optional<WallTime> next_timer() const { return next_timer_; }

  /// `tell` is called on the writer thread when the disk takes writes again after it took none:
  /// what was posted meanwhile and failed can be posted once more.
  void on_writes_again(std::function<void()> tell);
  /// Called on the writer thread after each commit that left something to send to a terminal.
  void on_outgoing(std::function<void(TerminalKey)> tell);
  /// `tell` is called on the writer thread after each COMMIT that changed what people watch, with
  /// the terminals concerned; it must be quick. Replaces what was given before; empty: nobody.
  void on_committed(std::function<void(const std::set<TerminalKey>&)> tell);

  Figures figures() const;

 private:
  void work();
  std::deque<Job> take();
  void commit(std::deque<Job>& group);
  Result<void> run_alone(Job& job);
  void fire_due();
  Result<void> fire(Work& work, const DueTimer& due);
  /// Tried again in a moment: it must neither spin nor hold up the others.
  void put_off(Work& work, const DueTimer& due, const Error& why);
  void committed(const Work& work, std::size_t events);
  void send_out(const Work& work);
  void count_failure(const Error& why);
  /// A whole transaction failed: when that is the disk's doing, silence is not judged meanwhile.
  void note_disk(const Error& why);
  /// Whether the disk takes writes again; then nobody counts as silent for what could not be heard.
  bool write_again();
  Result<void> postpone_silence(WallTime until);

  std::unique_ptr<Store> store_;
  Rules rules_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> ahead_;
  std::deque<Job> queue_;
  std::size_t queued_bytes_ = 0;              ///< of `queue_`
  std::optional<MonoTime> committing_since_;  ///< the oldest job of the group under way
  bool stopping_ = false;
  Figures figures_;
  std::function<void(TerminalKey)> outgoing_;
  std::function<void(const std::set<TerminalKey>&)> on_committed_;
  std::function<void()> on_writes_again_;

  /// The collector itself stood still (paused machine, stopped process): silence that it could not
  /// hear is nobody's fault.
  void note_pause();

  // Writer thread only.
  std::optional<Job> first_;  ///< what the disk has not taken yet
  std::optional<WallTime> next_timer_;
  MonoTime last_look_{};
  WallTime no_silence_before_{};
  struct Trouble {
    MonoTime since{};
    MonoTime last{};
  };
  std::optional<Trouble> trouble_;  ///< transactions that the disk did not take
  bool failing_ = false;            ///< none has succeeded after the last one of those
  MonoTime again_at_{};             ///< when to look whether the disk takes writes again
  std::optional<std::pair<std::string, MonoTime>> said_failed_;
  std::thread thread_;
};

}  // namespace kw::collector
