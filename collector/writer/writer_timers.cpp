// When the writer fires timers, and when it must not: silence that the collector could not hear, or
// could not write down, is nobody's fault.
#include <algorithm>
#include <utility>

#include "collector/writer/remote_results.hpp"
#include "collector/writer/writer.hpp"
#include "common/log.hpp"

namespace kw::collector {
namespace {

constexpr std::size_t timers_at_once = 100;
constexpr auto timer_again_after = std::chrono::seconds{5};
constexpr auto pause_longer_than = std::chrono::seconds{20};  // no fsync takes so long

}  // namespace

bool of_the_disk(const Error& why) {
  return why.code() == Errc::storage || why.code() == Errc::busy;
}

void Writer::note_pause() {
  const auto now = clock_.mono();
  const auto gap = now - std::exchange(last_look_, now);
  if (gap < pause_longer_than) return;
  log::warning("stood-still",
               {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(gap).count()}});
  auto done = postpone_silence(clock_.wall() + rules_.silence());
  if (!done) {
    note_disk(done.error());
    count_failure(done.error());
  }
}

Result<void> Writer::postpone_silence(WallTime until) {
  no_silence_before_ = std::max(no_silence_before_, until);
  auto done = store_->transact([&] {
    store_->postpone_silence(no_silence_before_, clock_.wall());
    store_->touch(clock_.wall());  // else there may be nothing to write, which any disk takes
  });
  if (done) next_timer_ = store_->next_timer();
  return done;
}

void Writer::note_disk(const Error& why) {
  if (!of_the_disk(why)) return;
  const auto now = clock_.mono();
  // What fits a little and then does not is one and the same trouble.
  if (!trouble_ || now - trouble_->last > agents_longest_pause) trouble_ = {now, now};
  trouble_->last = now;
  failing_ = true;
}

bool Writer::write_again() {
  const auto now = clock_.mono();
  if (now < again_at_) {
    next_timer_ = clock_.wall() + (again_at_ - now);
    return false;
  }
  again_at_ = now + timer_again_after;
  // Kiosks that were refused meanwhile come back within a pause no longer than the trouble lasted.
  const Duration away = now - trouble_->since;
  const auto until =
      clock_.wall() + rules_.silence() + std::min(away, Duration{agents_longest_pause});
  if (!postpone_silence(until)) {
    next_timer_ = clock_.wall() + timer_again_after;
    return false;
  }
  failing_ = false;
  log::info("writes-again",
            {{"seconds", std::chrono::duration_cast<std::chrono::seconds>(away).count()}});
  std::function<void()> tell;
  {
    const std::lock_guard lock{mutex_};
    tell = on_writes_again_;
  }
  if (tell) tell();
  return true;
}

void Writer::fire_due() {
  const auto due = store_->due_timers(clock_.wall(), timers_at_once);
  Work work{*store_, rules_, clock_, no_silence_before_};
  work.timers_changed();
  auto done = store_->transact([&] {
    for (const auto& timer : due) {
      auto fired = store_->part([&] { return guarded([&] { return fire(work, timer); }); });
      if (!fired) put_off(work, timer, fired.error());
    }
  });
  if (done) {
    committed(work, 0);
  } else {
    note_disk(done.error());
    count_failure(done.error());
    // Not at once again: whatever ails the disk needs a moment.
    next_timer_ = clock_.wall() + timer_again_after;
  }
}

void Writer::put_off(Work& work, const DueTimer& due, const Error& why) {
  log::error("timer-failed",
             {{"terminal", due.terminal}, {"timer", name(due.kind)}, {"reason", why}});
  count_failure(why);
  work.forget(due.terminal);
  auto moved = store_->part([&]() -> Result<void> {
    store_->put_off(due, work.now() + timer_again_after);
    return {};
  });
  if (!moved) count_failure(moved.error());
}

Result<void> Writer::fire(Work& work, const DueTimer& due) {
  auto& view = work.view(due.terminal);
  const auto bench = work.bench(due.terminal);
  Changes changes;
  Judge judge{view, bench, changes};
  switch (due.kind) {
    case TimerKind::silence:
      judge.silent();
      break;
    case TimerKind::maintenance:
      if (view.maintenance) changes.push_back(maintenance_expired(view.terminal.code, work.now()));
      judge.end_maintenance();
      break;
    case TimerKind::command:
      expire_commands(work, due.terminal);
      break;
    case TimerKind::hold:
    case TimerKind::clear:
      judge.fire_until(due.due);
      break;
  }
  work.apply(due.terminal, changes);
  return {};
}

}  // namespace kw::collector
