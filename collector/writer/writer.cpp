#include "collector/writer/writer.hpp"

#include <algorithm>
#include <exception>
#include <numeric>
#include <tuple>
#include <utility>

#include "collector/stats/faults_by_code_and_day.hpp"
#include "common/identity/uuid.hpp"
#include "common/log.hpp"

namespace kw::collector {
namespace {

constexpr std::size_t group_events = 2'000;
constexpr std::size_t group_bytes = 1024 * 1024;
constexpr auto look_every = std::chrono::seconds{5};
constexpr auto failures_said_every = std::chrono::seconds{10};

/// Whether people see it; timers, samples and counts pass in silence.
bool watched(const Change& change) {
  return std::holds_alternative<DeviceChanged>(change) ||
         std::holds_alternative<FaultOpened>(change) ||
         std::holds_alternative<FaultReopened>(change) ||
         std::holds_alternative<FaultOrdered>(change) ||
         std::holds_alternative<MaintenanceChanged>(change) ||
         std::holds_alternative<FaultCleared>(change) ||
         std::holds_alternative<OrderOpened>(change) ||
         std::holds_alternative<OrderMoved>(change) || std::holds_alternative<PowerChanged>(change);
}

}  // namespace

Result<void> guarded(const std::function<Result<void>()>& work) {
  try {
    return work();
  } catch (const std::exception& e) {
    return Error{Errc::garbled, std::string{"exception: "} + e.what()};
  }
}

Work::Work(Store& store, const Rules& rules, const Clock& clock, WallTime no_silence_before)
    : store_(store), rules_(rules), now_(clock.wall()), no_silence_before_(no_silence_before) {}

TerminalView& Work::view(TerminalKey terminal) {
  const auto it = views_.find(terminal);
  if (it != views_.end()) return it->second;
  return views_.emplace(terminal, store_.view(terminal)).first->second;
}

Bench Work::bench(TerminalKey terminal) {
  Bench out{.rules = rules_, .now = now_, .no_silence_before = no_silence_before_};
  out.new_id = [now = now_] { return identity::uuid_v7(now); };
  out.new_number = [this, offset = out.utc_offset] {
    return store_.next_order_number(stats::local_day(now_, offset));
  };
  out.known_fault = [this, terminal](std::string_view subject, std::string_view code,
                                     const Since& since) {
    return store_.known_fault(terminal, subject, code, since);
  };
  out.last_cleared = [this, terminal](std::string_view subject, std::string_view code) {
    return store_.last_cleared(terminal, subject, code);
  };
  return out;
}

void Work::apply(TerminalKey terminal, const Changes& changes) {
  store_.apply(terminal, changes);
  if (std::ranges::any_of(changes, watched)) touch(terminal);
  for (const auto& change : changes) {
    if (const auto* opened = std::get_if<OrderOpened>(&change)) {
      orders_opened_.push_back(opened->order.id);
    } else if (std::holds_alternative<TimerSet>(change) ||
               std::holds_alternative<TimerDropped>(change)) {
      timers_changed_ = true;
    }
  }
}

void Work::sent_away(WallTime back) {
  const auto until = back + rules_.silence();
  store_.keep_silence_floor(until);
  store_.postpone_silence(until, {});
  no_silence_before_ = std::max(no_silence_before_, until);
  timers_changed();
}

Writer::Writer(std::unique_ptr<Store> store, Rules rules, const Clock& clock, Job first,
               Drive drive)
    : store_(std::move(store)), rules_(std::move(rules)), clock_(clock) {
  last_look_ = clock_.mono();
  if (first.work) first_ = std::move(first);
  next_timer_ = store_->next_timer();
  if (drive == Drive::own_thread) thread_ = std::thread{[this] { work(); }};
}

Writer::~Writer() { stop(); }

void Writer::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  } else {
    if (first_) turn();
    while (!queue_.empty() || !ahead_.empty()) turn();
  }
}

void Writer::post(Job job) {
  {
    const std::lock_guard lock{mutex_};
    if (!stopping_) {
      job.posted = clock_.mono();
      if (!job.ahead) queued_bytes_ += job.bytes;
      (job.ahead ? ahead_ : queue_).push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  if (job.after) job.after(Error{Errc::disconnected, "the collector is stopping"});
}

void Writer::on_committed(std::function<void(const std::set<TerminalKey>&)> tell) {
  const std::lock_guard lock{mutex_};
  on_committed_ = std::move(tell);
}

Writer::Figures Writer::figures() const {
  const std::lock_guard lock{mutex_};
  Figures out = figures_;
  out.queued = queue_.size() + ahead_.size();
  out.queued_bytes = queued_bytes_;
  auto oldest = committing_since_;
  if (!oldest && !queue_.empty()) oldest = queue_.front().posted;
  if (oldest) out.behind = std::max(Duration{}, Duration{clock_.mono() - *oldest});
  return out;
}

void Writer::on_outgoing(std::function<void(TerminalKey)> tell) {
  const std::lock_guard lock{mutex_};
  outgoing_ = std::move(tell);
}

void Writer::on_writes_again(std::function<void()> tell) {
  const std::lock_guard lock{mutex_};
  on_writes_again_ = std::move(tell);
}

void Writer::work() {
  if (first_) turn();
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      const auto ready = [&] { return stopping_ || !queue_.empty() || !ahead_.empty(); };
      Duration until = look_every;
      if (next_timer_) {
        until = std::clamp(Duration{*next_timer_ - clock_.wall()}, Duration::zero(), until);
      }
      wake_.wait_for(lock, until, ready);
      if (stopping_ && queue_.empty() && ahead_.empty()) return;
    }
    note_pause();
    turn();
  }
}

bool Writer::turn() {
  auto group = take();
  if (!group.empty()) commit(group);
  {
    const std::lock_guard lock{mutex_};
    committing_since_.reset();
  }
  const bool writes = !failing_ || write_again();
  const bool due = writes && next_timer_ && *next_timer_ <= clock_.wall();
  if (due) fire_due();
  store_->tidy();
  return due || !group.empty();
}

std::deque<Job> Writer::take() {
  const std::lock_guard lock{mutex_};
  std::deque<Job> group = std::exchange(ahead_, {});
  if (first_) group.push_front(*std::exchange(first_, {}));
  std::size_t events = 0;
  std::size_t bytes = 0;
  committing_since_.reset();
  if (!queue_.empty()) committing_since_ = queue_.front().posted;
  while (!queue_.empty() && events < group_events && bytes < group_bytes) {
    queued_bytes_ -= queue_.front().bytes;
    events += queue_.front().events;
    bytes += queue_.front().bytes;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  // A terminal's events together: the largest single lever of the store's speed.
  std::vector<std::size_t> order(group.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const auto key = [&](std::size_t i) {
      return std::tuple{!group[i].ahead, group[i].ahead ? 0 : group[i].terminal, i};
    };
    return key(a) < key(b);
  });
  std::deque<Job> sorted;
  for (const auto i : order) sorted.push_back(std::move(group[i]));
  return sorted;
}

void Writer::commit(std::deque<Job>& group) {
  std::vector<std::optional<Result<void>>> answers(group.size());
  Work work{*store_, rules_, clock_, no_silence_before_};
  std::size_t events = 0;
  auto done = store_->transact([&] {
    for (std::size_t i = 0; i < group.size(); ++i) {
      auto& job = group[i];
      answers[i] = store_->part([&] { return guarded([&] { return job.work(work); }); });
      if (*answers[i]) {
        events += job.events;
      } else {
        work.forget(job.terminal);
      }
    }
  });
  if (done) {
    committed(work, events);
  } else {
    note_disk(done.error());
  }
  for (std::size_t i = 0; i < group.size(); ++i) {
    auto& job = group[i];
    const bool kept = done && answers[i] && *answers[i];
    const bool refused =
        done && answers[i] && !*answers[i] && answers[i]->error().code() == Errc::refused;
    if (kept || refused) {
      if (job.after) job.after(*answers[i]);
    } else if (first_) {
      // What must come first has not been committed: nothing that follows it may be.
      if (job.after) job.after(Error{Errc::storage, "the disk takes no writes since the start"});
    } else {
      const auto answer = run_alone(job);
      if (job.foremost && !answer && of_the_disk(answer.error())) first_ = std::move(job);
    }
  }
}

Result<void> Writer::run_alone(Job& job) {
  const auto attempt = [&](const std::function<Result<void>(Work&)>& what) -> Result<void> {
    Work work{*store_, rules_, clock_, no_silence_before_};
    Result<void> answer;
    auto done = store_->transact(
        [&] { answer = store_->part([&] { return guarded([&] { return what(work); }); }); });
    if (!done) {
      note_disk(done.error());
      return done;
    }
    if (answer) committed(work, job.events);
    return answer;
  };
  auto answer = attempt(job.work);
  if (!answer && answer.error().code() != Errc::refused) {
    const Error why = answer.error();
    count_failure(why);
    // A disk that fails says nothing of the batch: it is sent again, and judged, when the disk is
    // well. Put aside now, it would be acknowledged and nobody would ever look at it.
    if (job.last_resort && !of_the_disk(why)) {
      answer = attempt([&](Work& work) { return job.last_resort(work, why); });
      if (answer) {
        const std::lock_guard lock{mutex_};
        ++figures_.quarantined;
      }
    }
  }
  if (job.after) job.after(answer);
  return answer;
}

void Writer::count_failure(const Error& why) {
  std::uint64_t failures = 0;
  {
    const std::lock_guard lock{mutex_};
    failures = ++figures_.failures;
    figures_.failing = true;
  }
  // A full disk fails whatever every kiosk sends; the log may be on the same disk.
  const auto now = clock_.mono();
  if (said_failed_ && said_failed_->first == why.text() &&
      now - said_failed_->second < failures_said_every) {
    return;
  }
  said_failed_ = {why.text(), now};
  log::error("write-failed", {{"reason", why}, {"failures", failures}});
}

void Writer::committed(const Work& work, std::size_t events) {
  const WallTime at = clock_.wall();
  no_silence_before_ = std::max(no_silence_before_, work.no_silence_before_);
  std::function<void(const std::set<TerminalKey>&)> tell;
  if (work.timers_changed_) next_timer_ = store_->next_timer();
  {
    const std::lock_guard lock{mutex_};
    ++figures_.groups;
    figures_.events += events;
    figures_.orders += work.orders_opened_.size();
    if (events > 0) {
      figures_.last_commit = at;
      figures_.failing = false;
    }
    if (!work.touched_.empty()) tell = on_committed_;
  }
  send_out(work);
  if (!work.orders_opened_.empty()) {
    // The time at which COMMIT had returned can only be written by a later transaction.
    auto noted = store_->transact([&] {
      for (const auto& id : work.orders_opened_) store_->set_order_committed(id, at);
    });
    if (!noted) log::warning("commit-time-not-noted", {{"reason", noted.error()}});
  }
  if (tell) tell(work.touched_);
}

void Writer::send_out(const Work& work) {
  if (work.to_tell_.empty()) return;
  std::function<void(TerminalKey)> outgoing;
  {
    const std::lock_guard lock{mutex_};
    outgoing = outgoing_;
  }
  if (!outgoing) return;
  for (const auto terminal : work.to_tell_) outgoing(terminal);
}

}  // namespace kw::collector
