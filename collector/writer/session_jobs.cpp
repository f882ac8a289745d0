#include "collector/writer/session_jobs.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "collector/writer/remote_results.hpp"
#include "common/log.hpp"
#include "common/wire/codec.hpp"

namespace kw::collector {
namespace {

Position position_of(const Session& session, std::uint64_t epoch, std::uint64_t seq) {
  const auto it = session.numbers.find(epoch);
  return {it == session.numbers.end() ? 0 : it->second, seq};
}

Judge::Resolve resolver(const Session& session, WallTime latest) {
  return [&session, latest](const pb::Since& s) {
    const auto base = session.time.corrected(s.epoch(), s.mono_us(), s.wall_us());
    return Since{s.epoch(), s.seq(), std::min(base.at, latest)};
  };
}

/// The block of a batch and the times of its events, clamped between their neighbours.
struct Timed {
  Block block;
  std::vector<WallTime> at;  ///< by item; of a gap: that of the event before it
};

Timed timed(const Session& session, const pb::Batch& batch, WallTime last_at, WallTime now) {
  const auto base =
      session.time.corrected(batch.epoch(), batch.base_mono_us(), batch.base_wall_us());
  Timed out;
  out.block = {.terminal = session.terminal,
               .epoch = batch.epoch(),
               .first = batch.first(),
               .last = batch.last(),
               .base_at = base.at,
               .uncertain = base.uncertain,
               .received_at = now,
               .body = batch.SerializeAsString()};
  WallTime at = std::min(last_at, now);
  for (const auto& item : batch.item()) {
    if (item.has_event()) {
      const WallTime told = base.at + Duration{item.event().mono_us()};
      at = std::clamp(told, at, std::max(at, now));
    }
    out.at.push_back(at);
  }
  out.block.first_at = out.at.front();
  out.block.last_at = out.at.back();
  return out;
}

void note(const Session& session, const pb::AgentNote& n) {
  log::warning("agent-note", {{"terminal", session.terminal_code},
                              {"code", n.code()},
                              {"device", n.device()},
                              {"detail", n.detail()}});
}

/// Kept in its block; the level itself comes with the device's status.
void refilled(const Session& session, const pb::Refill& r) {
  log::info("consumable-refilled", {{"terminal", session.terminal_code},
                                    {"device", r.device()},
                                    {"type", r.type()},
                                    {"detected", r.detected()}});
}

/// Of several changes to one row only the last is written: a device's latest state, a timer's
/// latest word. What is told once and for all (faults, orders, audit) stays as it is.
Changes coalesced(Changes changes) {
  std::set<std::string> seen;
  const auto row = [](const Change& change) -> std::string {
    if (const auto* c = std::get_if<DeviceChanged>(&change)) return "d/" + c->device.id;
    const Timer* timer = nullptr;
    if (const auto* c = std::get_if<TimerSet>(&change)) timer = &c->timer;
    if (const auto* c = std::get_if<TimerDropped>(&change)) timer = &c->timer;
    if (timer == nullptr) return {};
    return std::string{name(timer->kind)} + "/" + timer->subject + "/" + timer->code;
  };
  Changes out;
  for (auto it = changes.rbegin(); it != changes.rend(); ++it) {
    const auto key = row(*it);
    if (key.empty() || seen.insert(key).second) out.push_back(std::move(*it));
  }
  std::ranges::reverse(out);
  return out;
}

void foresee(Judge& judge, const Session& session, const pb::Batch& batch, const Timed& times,
             const Judge::Resolve& resolve) {
  std::uint64_t seq = batch.first();
  for (int i = 0; i < batch.item_size(); ++i) {
    const auto& item = batch.item(i);
    if (item.event().has_state()) {
      const Since self{batch.epoch(), seq, times.at[static_cast<std::size_t>(i)]};
      judge.foresee(item.event().state(), position_of(session, batch.epoch(), seq), self, resolve);
    }
    seq += item.has_gap() ? item.gap().count() : 1;
  }
}

/// Judges the events of a batch; samples are kept once a device, the last one.
void judge_batch(Work& work, const Session& session, const pb::Batch& batch, const Timed& times) {
  Changes changes;
  std::map<std::string_view, Measured> samples;
  const auto judged = [](const pb::Item& item) {
    return item.event().has_state() || item.event().has_power();
  };
  const bool any = std::ranges::any_of(batch.item(), judged);
  TerminalView none;
  TerminalView& view = any ? work.view(session.terminal) : none;
  const auto bench = work.bench(session.terminal);
  Judge judge{view, bench, changes};
  const auto resolve = resolver(session, work.now());
  foresee(judge, session, batch, times, resolve);
  std::uint64_t seq = batch.first();
  for (int i = 0; i < batch.item_size(); ++i) {
    const auto& item = batch.item(i);
    if (item.has_gap()) {
      seq += item.gap().count();
      continue;
    }
    const WallTime at = times.at[static_cast<std::size_t>(i)];
    const Position position = position_of(session, batch.epoch(), seq);
    const auto& event = item.event();
    if (event.has_state()) {
      const auto& device = event.state().device();
      const auto& told = session.configured_at;
      if (told && position <= *told && !session.configured.contains(device)) {
        judge.gone(device, *told);
      }
      judge.status(event.state(), position, {batch.epoch(), seq, at}, resolve, false);
    } else if (event.has_power()) {
      judge.power(event.power(), position, at);
    } else if (event.has_sample()) {
      samples[event.sample().device()] = {event.sample().device(),
                                          event.sample().SerializeAsString(), position, at};
    } else if (event.has_agent()) {
      note(session, event.agent());
    } else if (event.has_refill()) {
      refilled(session, event.refill());
    } else if (event.has_command_result()) {
      take_command_result(work, session, event.command_result());
    } else if (event.has_configuration()) {
      take_configuration_report(work, session, event.configuration());
    }
    ++seq;
  }
  for (auto& [device, sample] : samples) changes.push_back(std::move(sample));
  work.apply(session.terminal, coalesced(std::move(changes)));
}

/// Whether everything that waited at Hello has arrived with this mark: the wall clock may fire this
/// terminal's timers, and what it reported of its configuration is known. Said once a session, but
/// again when a failed group is run a second time: only a commit makes it true.
bool note_progress(Work& work, Session& session, std::uint64_t epoch, std::uint64_t mark) {
  session.marks[epoch] = mark;
  if (session.caught_up || session.owed.empty() || session.quarantined || !session.drained())
    return false;
  work.store().set_live(session.terminal, true);
  work.timers_changed();
  if (!session.told_when_drained) work.tell(session.terminal);
  return true;
}

Result<void> commit_batch(Work& work, Session& session, const pb::Batch& batch,
                          BatchAnswer& answer) {
  auto& store = work.store();
  const auto mark = store.mark(session.terminal, batch.epoch());
  if (!mark) return Error{Errc::refused, "batch of an epoch that Hello did not list"};
  answer = {.mark = mark->seq};
  answer.admission = admit(batch, mark->seq);
  if (answer.admission == Admission::known) {
    answer.caught_up = note_progress(work, session, batch.epoch(), mark->seq);
  }
  if (answer.admission != Admission::next) return {};
  const Timed times = timed(session, batch, mark->last_at, work.now());
  if (!store.advance(session.terminal, batch.epoch(), mark->seq, batch.last(),
                     times.block.last_at)) {
    return Error{Errc::refused, "another session moved the high-water mark"};
  }
  store.keep(times.block);
  if (!session.quarantined) judge_batch(work, session, batch, times);
  answer.caught_up = note_progress(work, session, batch.epoch(), batch.last());
  answer.mark = batch.last();
  return {};
}

Result<void> quarantine_batch(Work& work, Session& session, const pb::Batch& batch,
                              BatchAnswer& answer, const Error& why) {
  auto& store = work.store();
  const auto mark = store.mark(session.terminal, batch.epoch());
  if (!mark || admit(batch, mark->seq) != Admission::next) {
    return Error{Errc::refused, "the batch no longer follows the high-water mark"};
  }
  store.advance(session.terminal, batch.epoch(), mark->seq, batch.last(), mark->last_at);
  store.quarantine(timed(session, batch, mark->last_at, work.now()).block, why.text());
  store.audit({.at = work.now(),
               .actor = std::string{"collector"},
               .action = "batch.quarantine",
               .object = "terminal/" + session.terminal_code,
               .result = why.text()});
  log::error("batch-quarantined", {{"terminal", session.terminal_code}, {"reason", why}});
  answer.caught_up = note_progress(work, session, batch.epoch(), batch.last());
  answer.admission = Admission::next;
  answer.mark = batch.last();
  return {};
}

template <class F>
void judge_terminal(Work& work, TerminalKey terminal, F how) {
  Changes changes;
  const auto bench = work.bench(terminal);
  Judge judge{work.view(terminal), bench, changes};
  how(judge);
  work.apply(terminal, changes);
}

Result<void> open(Work& work, Session& session, pb::Welcome& welcome) {
  auto& store = work.store();
  const auto book = store.epochs(session.terminal);
  EpochPlan plan = plan_epochs(book.marks, book.next_no, session.hello);
  // The other agent of this identity still holds its epochs.
  if (session.quarantined) plan.dropped.clear();
  // An epoch that was forgotten and is listed again (an outbox file put back) is not new: what is
  // stored of it stays stored once.
  for (auto* marks : {&plan.marks, &plan.added}) {
    for (auto& mark : *marks) {
      if (mark.seq == 0) mark.seq = store.stored_upto(session.terminal, mark.epoch);
    }
  }
  store.put_epochs(session.terminal, plan);
  session.numbers.clear();
  session.owed.clear();
  for (int i = 0; i < session.hello.epoch_size(); ++i) {
    const auto& held = session.hello.epoch(i);
    const auto& mark = plan.marks[static_cast<std::size_t>(i)];
    session.numbers[held.epoch()] = mark.no;
    session.marks[held.epoch()] = mark.seq;
    if (held.last() > mark.seq) session.owed[held.epoch()] = held.last();
    auto& high_water = *welcome.add_high_water();
    high_water.set_epoch(held.epoch());
    high_water.set_seq(mark.seq);
  }
  session.time = SessionTime{session.hello, session.server_at_hello};
  welcome.set_version(wire::version);
  welcome.set_server_wall_us(micros(session.server_at_hello));
  welcome.set_quarantined(session.quarantined);
  welcome.set_want_inventory(store.inventory_hash(session.terminal) !=
                             session.hello.inventory_hash());
  if (session.quarantined) {
    store.audit({.at = work.now(),
                 .actor = "collector",
                 .action = "session.quarantine",
                 .object = "terminal/" + session.terminal_code,
                 .result = "two live agents of one identity"});
    judge_terminal(work, session.terminal, [](Judge& judge) { judge.second_agent(); });
    return {};
  }
  store.set_session(session.terminal, true, work.now(), session.hello.agent_version());
  work.touch(session.terminal);
  store.set_live(session.terminal, false);  // until it has told its state
  work.timers_changed();
  note_configuration(work, session);
  const auto epoch_no = session.numbers[session.hello.epoch().rbegin()->epoch()];
  judge_terminal(work, session.terminal, [&](Judge& judge) { judge.connected(epoch_no); });
  return {};
}

Result<void> take_snapshot(Work& work, Session& session, const pb::Snapshot& snapshot, bool full) {
  if (session.quarantined) return {};
  const Position as_of = position_of(session, snapshot.as_of_epoch(), snapshot.as_of_seq());
  if (as_of.epoch_no == 0) return Error{Errc::refused, "snapshot of an epoch not listed"};
  Changes changes;
  const auto bench = work.bench(session.terminal);
  Judge judge{work.view(session.terminal), bench, changes};
  if (full && !snapshot.configuration_unknown()) {
    session.configured_at = as_of;
    for (const auto& ref : snapshot.configured()) session.configured.insert(ref.device());
    judge.configured(snapshot.configured(), as_of, work.now());
  }
  const auto resolve = resolver(session, work.now());
  for (const auto& status : snapshot.status()) {
    // Judged at the time at which the device became so, not when the news arrived: a hold that was
    // running ended then, if it healed then.
    const WallTime at = status.has_since() ? resolve(status.since()).at : work.now();
    const Since self{snapshot.as_of_epoch(), snapshot.as_of_seq(), at};
    judge.status(status, as_of, self, resolve, true);
  }
  // It is back and has said how it is: what stands still has its order now.
  if (full) judge.release();
  work.apply(session.terminal, changes);
  if (!full) return {};
  work.store().set_told(session.terminal);
  if (session.drained()) work.store().set_live(session.terminal, true);
  work.timers_changed();
  return {};
}

}  // namespace

bool Session::drained() const {
  return std::ranges::all_of(owed, [&](const auto& one) {
    const auto it = marks.find(one.first);
    return it != marks.end() && it->second >= one.second;
  });
}

Job open_job(std::shared_ptr<Session> session, std::function<void(Result<pb::Welcome>)> answer) {
  auto welcome = std::make_shared<pb::Welcome>();
  Job job;
  job.terminal = session->terminal;
  job.work = [session, welcome](Work& work) {
    welcome->Clear();
    return open(work, *session, *welcome);
  };
  job.after = [welcome, answer = std::move(answer)](const Result<void>& done) {
    if (done) {
      answer(std::move(*welcome));
    } else {
      answer(done.error());
    }
  };
  return job;
}

Job close_job(std::shared_ptr<Session> session, WallTime last_heard) {
  Job job;
  job.terminal = session->terminal;
  job.work = [session, last_heard](Work& work) -> Result<void> {
    work.store().set_session(session->terminal, false, last_heard, {});
    work.touch(session->terminal);
    work.store().set_live(session->terminal, false);
    judge_terminal(work, session->terminal, [&](Judge& judge) { judge.disconnected(last_heard); });
    return {};
  };
  return job;
}

Job second_agent_left_job(TerminalKey terminal) {
  Job job;
  job.terminal = terminal;
  job.work = [terminal](Work& work) -> Result<void> {
    judge_terminal(work, terminal, [](Judge& judge) { judge.second_agent_left(); });
    work.timers_changed();
    return {};
  };
  return job;
}

Job snapshot_job(std::shared_ptr<Session> session, std::shared_ptr<const pb::Snapshot> snapshot,
                 bool full, std::function<void(Result<void>)> answer) {
  Job job;
  job.terminal = session->terminal;
  job.events = static_cast<std::size_t>(snapshot->status_size());
  job.bytes = snapshot->ByteSizeLong();
  job.work = [session, snapshot, full](Work& work) {
    return take_snapshot(work, *session, *snapshot, full);
  };
  job.after = std::move(answer);
  return job;
}

Job batch_job(std::shared_ptr<Session> session, std::shared_ptr<const pb::Batch> batch,
              std::size_t bytes, std::function<void(Result<BatchAnswer>)> answer) {
  auto result = std::make_shared<BatchAnswer>();
  Job job;
  job.terminal = session->terminal;
  job.events = static_cast<std::size_t>(batch->item_size());
  job.bytes = bytes;
  job.work = [session, batch, result](Work& work) {
    return commit_batch(work, *session, *batch, *result);
  };
  job.last_resort = [session, batch, result](Work& work, const Error& why) {
    return quarantine_batch(work, *session, *batch, *result, why);
  };
  job.after = [session, result, answer = std::move(answer)](const Result<void>& done) {
    if (done) {
      if (result->caught_up) session->caught_up = true;
      answer(*result);
    } else {
      answer(done.error());
    }
  };
  return job;
}

Job inventory_job(std::shared_ptr<Session> session,
                  std::shared_ptr<const pb::Inventory> inventory) {
  Job job;
  job.terminal = session->terminal;
  job.bytes = inventory->ByteSizeLong();
  job.work = [session, inventory](Work& work) -> Result<void> {
    if (session->quarantined) return {};
    work.store().set_inventory(session->terminal, inventory->hash(),
                               inventory->SerializeAsString());
    return {};
  };
  return job;
}

Job restart_job(WallTime started, double per_second) {
  Job job;
  job.ahead = true;
  job.foremost = true;
  job.work = [started, per_second](Work& work) -> Result<void> {
    const auto floor = work.store().silence_floor();
    const auto returning = work.store().terminals_in_service();
    const auto queue = std::chrono::ceil<std::chrono::seconds>(
        std::chrono::duration<double>{static_cast<double>(returning.size()) / per_second});
    for (const auto terminal : returning) {
      work.store().set_live(terminal, false);
      Changes changes;
      auto bench = work.bench(terminal);
      bench.no_silence_before =
          std::max({bench.no_silence_before, floor,
                    started + bench.rules.silence() + agents_longest_pause + queue});
      Judge judge{work.view(terminal), bench, changes};
      judge.disconnected(started);
      work.apply(terminal, changes);
      work.forget(terminal);
    }
    work.store().disconnect_all(started);
    return {};
  };
  return job;
}

}  // namespace kw::collector
