#include "tests/simulation/ledger.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace kw::simulation {
namespace {

std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t out = 14695981039346656037ULL;  // FNV-1a
  for (const char c : bytes) out = (out ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return out | 1U;  // never that of a gap
}

const pb::Condition* find(const pb::Status& status, const std::string& code) {
  for (const auto& c : status.condition()) {
    if (c.code() == code) return &c;
  }
  return nullptr;
}

}  // namespace

std::uint64_t content_of(pb::Event event) {
  event.clear_mono_us();
  event.clear_wall_shift_us();
  return hash_of(event.SerializeAsString());
}

void Ledger::violate(Broken how, std::string what) {
  if (violated()) return;
  violation_ = std::move(what);
  switch (how) {
    case Broken::lost:
      ++counters_.lost;
      break;
    case Broken::duplicated:
      ++counters_.duplicated;
      break;
    case Broken::out_of_order:
      ++counters_.out_of_order;
      break;
    case Broken::unnamed_gap:
      ++counters_.unnamed_gaps;
      break;
    case Broken::start_failure:
      ++counters_.start_failures;
      break;
    case Broken::other:
      ++counters_.other_violations;
      break;
  }
}

void Ledger::begin_epoch(int kiosk, std::uint64_t epoch) {
  auto& k = of(kiosk);
  if (!k.epochs.emplace(epoch, Entries{}).second) return;
  k.order.push_back(epoch);
}

std::size_t Ledger::note(int kiosk, agent::Outbox& outbox, std::size_t at_most, bool durable) {
  auto& k = of(kiosk);
  std::size_t noted = 0;
  for (const auto& [epoch, record] : outbox.newest(at_most)) {
    auto& entries = k.epochs[epoch];
    const auto content = record.gap() ? 0 : hash_of(record.body);
    for (auto seq = record.seq; seq < record.end(); ++seq) {
      const auto [it, fresh] = entries.emplace(seq, Entry{content, !durable});
      if (fresh) {
        ++counters_.events;
        ++noted;
      } else if (it->second.content != content && content != 0) {
        violate(Broken::duplicated,
                fmt::format("I4: kiosk {} used {:016x}/{} for two contents", kiosk, epoch, seq));
      }
    }
  }
  return noted;
}

void Ledger::begin_run(int kiosk, agent::Outbox& outbox, bool unheard) {
  auto& written = of(kiosk).written;
  std::map<std::string, pb::Status> now;
  for (auto& device : outbox.view().devices) now[device.status.device()] = device.status;
  for (const auto& [device, status] : written) {
    const auto it = now.find(device);
    const bool same =
        it != now.end() && it->second.SerializeAsString() == status.SerializeAsString();
    if (same || unheard) continue;
    violate(Broken::lost,
            fmt::format("I1: kiosk {} forgot over a start how its {} is", kiosk, device));
  }
  written = std::move(now);
}

void Ledger::note_status(int kiosk, const pb::Status& status) {
  auto& written = of(kiosk).written;
  const auto before = written.find(status.device());
  if (before != written.end()) {
    for (const auto& c : status.condition()) {
      const auto* was = find(before->second, c.code());
      if (was == nullptr || was->severity() != c.severity()) continue;
      if (was->since().epoch() == c.since().epoch() && was->since().seq() == c.since().seq())
        continue;
      violate(Broken::other,
              fmt::format("I7: kiosk {} tells one episode of {} on {} as two: since {:016x}/{}, "
                          "then {:016x}/{}",
                          kiosk, c.code(), status.device(), was->since().epoch(),
                          was->since().seq(), c.since().epoch(), c.since().seq()));
    }
  }
  written[status.device()] = status;
}

void Ledger::outbox_replaced(int kiosk, agent::Outbox& outbox,
                             const std::map<std::uint64_t, std::uint64_t>& stored) {
  auto& k = of(kiosk);
  k.restored = true;
  std::map<std::uint64_t, std::uint64_t> held;
  const auto view = outbox.view();
  for (const auto& epoch : view.epochs) held[epoch.epoch] = epoch.last;
  for (auto& [epoch, entries] : k.epochs) {
    const auto last = held.contains(epoch) ? held[epoch] : 0;
    const auto mark = stored.find(epoch);
    for (auto& [seq, entry] : entries) {
      if (seq <= last || entry.replaced) continue;
      entry.replaced = true;
      entry.stored_then = mark != stored.end() && seq <= mark->second;
    }
  }
  k.written.clear();
  for (const auto& device : view.devices) k.written[device.status.device()] = device.status;
}

void Ledger::collector_said(int kiosk, const pb::Envelope& envelope, bool sole_connection) {
  if (envelope.has_ack()) {
    auto& acked = of(kiosk).acked[envelope.ack().epoch()];
    acked = std::max(acked, envelope.ack().upto());
    ++counters_.acknowledged;
  }
  if (!envelope.has_resend()) return;
  ++counters_.resends;
  if (!sole_connection || collector_disk_was_full) return;
  violate(Broken::other,
          fmt::format("stream: kiosk {}'s only connection is whole, and the collector misses "
                      "{:016x}/{}",
                      kiosk, envelope.resend().epoch(), envelope.resend().from()));
}

void Ledger::learn(int kiosk, const pb::Status& status, std::uint64_t epoch, std::uint64_t seq) {
  const auto& order = of(kiosk).order;
  const auto it = std::ranges::find(order, epoch);
  if (it == order.end()) return;
  const auto place = static_cast<std::size_t>(it - order.begin());
  auto& known = known_[{kiosk, status.device()}];
  if (std::pair{place, seq} < std::pair{known.epoch, known.seq}) return;
  known.epoch = place;
  known.seq = seq;
  known.conditions.clear();
  for (const auto& c : status.condition()) {
    known.conditions.insert(c.code());
  }
}

void Ledger::collector_read(int kiosk, const pb::Envelope& envelope, bool quarantined) {
  if (quarantined) return;
  if (envelope.has_snapshot()) {
    const auto& snapshot = envelope.snapshot();
    for (const auto& status : snapshot.status()) {
      learn(kiosk, status, snapshot.as_of_epoch(), snapshot.as_of_seq());
    }
  }
  if (!envelope.has_batch()) return;
  auto seq = envelope.batch().first();
  for (const auto& item : envelope.batch().item()) {
    if (item.event().has_state()) learn(kiosk, item.event().state(), envelope.batch().epoch(), seq);
    seq += item.has_gap() ? item.gap().count() : 1;
  }
}

bool Ledger::may_be_ordered(int kiosk, const std::string& device, const std::string& code) const {
  const auto known = known_.find({kiosk, device});
  return known == known_.end() || known->second.conditions.contains(code);
}

}  // namespace kw::simulation
