#include "tests/fleet/fleet.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "tests/fleet/events.hpp"

namespace kw::fleet {
namespace {

constexpr auto step = std::chrono::milliseconds{20};  // events of so long are written together
constexpr auto report_every = std::chrono::seconds{5};
constexpr std::size_t healthy_parts = 1;  // the host is never ill

}  // namespace

Fleet::Fleet(const Options& options, const Clock& clock)
    : options_(options), clock_(clock), reports_(io_), random_(options.seed) {}

Result<std::unique_ptr<Fleet>> Fleet::make(const Options& options, const Roster& roster,
                                           const Clock& clock) {
  std::unique_ptr<Fleet> out{new Fleet{options, clock}};
  for (std::size_t i = 0; i < roster.members.size(); ++i) {
    const auto& member = roster.members[i];
    auto tls = link::ClientTls::make({.own = member.own, .trust_pem = roster.trust_pem});
    if (!tls) return std::move(tls).error();
    Kiosk::Options kiosk;
    kiosk.code = member.code;
    kiosk.collector = options.collectors[i % options.collectors.size()];
    kiosk.tls = std::move(*tls);
    kiosk.session = options.session;
    kiosk.backoff = options.backoff;
    kiosk.facts.boot_id = fmt::format("fleet-{:016x}", out->random_());
    kiosk.facts.agent_version = "fleet";
    kiosk.facts.hostname = member.code;
    kiosk.facts.os = "fleet";
    kiosk.facts.devices = devices();
    kiosk.seed = out->random_();
    out->kiosks_.push_back(
        std::make_unique<Kiosk>(out->io_.get_executor(), clock, std::move(kiosk), out->tally_));
  }
  out->ill_.resize(out->kiosks_.size());
  return out;
}

Task<void> Fleet::serve(Kiosk& kiosk, Duration delay) {
  co_await kiosk.run(delay);
  if (--serving_ == 0) reports_.cancel();
}

void Fleet::begin_day() {
  for (const auto& kiosk : kiosks_) {
    if (options_.profile.boots) kiosk->tell(boot());
    for (std::size_t d = 0; d < devices().size(); ++d) kiosk->tell(state(d, true));
  }
}

/// Writes what falls into `since` at this rate, each event on a kiosk drawn by lot.
void Fleet::write_due(double& owed, double per_hour, Duration since, bool changes) {
  const auto hours = std::chrono::duration<double, std::ratio<3'600>>(since).count();
  owed += per_hour * options_.rate * hours * static_cast<double>(kiosks_.size());
  for (; owed >= 1; owed -= 1) {
    const auto which = random_() % kiosks_.size();
    if (!changes) {
      kiosks_[which]->tell(transaction(++transactions_, random_));
      continue;
    }
    const auto device = random_() % (devices().size() - healthy_parts);
    ill_[which] ^= 1U << device;
    kiosks_[which]->tell(state(device, (ill_[which] >> device & 1) == 0));
  }
}

void Fleet::top_up() {
  for (const auto& kiosk : kiosks_) {
    const auto waits = kiosk->shelf().last() - kiosk->shelf().acked();
    for (auto i = waits; i < static_cast<std::uint64_t>(options_.profile.backlog); ++i) {
      kiosk->tell(sample(random_));
    }
  }
}

Task<void> Fleet::live() {
  begin_day();
  const auto began = clock_.mono();
  const auto ends = began + options_.lasts;
  const auto parts = began + options_.lasts / 3;
  const auto heals = began + options_.lasts * 2 / 3;
  bool parted = false;
  bool healed = !options_.profile.outage;
  double changes = 0;
  double business = 0;
  asio::steady_timer pace{io_};
  for (auto last = began; last < ends;) {
    pace.expires_after(step);
    co_await pace.async_wait(as_result);
    const auto now = clock_.mono();
    if (options_.profile.outage && !parted && now >= parts) {
      parted = true;
      for (const auto& kiosk : kiosks_) kiosk->part();
    }
    if (!healed && now >= heals) {
      healed = true;
      for (const auto& kiosk : kiosks_) kiosk->heal();
    }
    write_due(changes, options_.profile.changes_per_hour, now - last, true);
    write_due(business, options_.profile.transactions_per_hour, now - last, false);
    top_up();
    last = now;
  }
  co_await finish();
}

Task<void> Fleet::finish() {
  for (const auto& kiosk : kiosks_) {
    kiosk->heal();
    kiosk->finish(options_.drain);
  }
  asio::steady_timer limit{io_, options_.drain};
  co_await limit.async_wait(as_result);
  // Sessions that stand and get no acknowledgement.
  for (const auto& kiosk : kiosks_) kiosk->part();
}

Task<void> Fleet::report(std::function<void(const Tally&)> told) {
  while (serving_ > 0) {
    reports_.expires_after(report_every);
    co_await reports_.async_wait(as_result);
    told(tally_);
  }
  io_.stop();
}

void Fleet::run(const std::function<void(const Tally&)>& told) {
  std::uniform_int_distribution<Duration::rep> ramp{0, options_.ramp.count()};
  serving_ = kiosks_.size();
  for (const auto& kiosk : kiosks_) spawn(io_, "kiosk", serve(*kiosk, Duration{ramp(random_)}));
  spawn(io_, "fleet", live());
  spawn(io_, "report", report(told));
  io_.run();
}

Ledger Fleet::ledger() const {
  Ledger out;
  for (const auto& kiosk : kiosks_) {
    const auto& shelf = kiosk->shelf();
    out.lines.push_back(
        {kiosk->code(), shelf.epoch(), shelf.last(), shelf.acked(), shelf.chain(), shelf.falls()});
  }
  return out;
}

std::uint64_t Fleet::unacknowledged() const {
  std::uint64_t out = 0;
  for (const auto& kiosk : kiosks_) out += kiosk->shelf().last() - kiosk->shelf().acked();
  return out;
}

}  // namespace kw::fleet
