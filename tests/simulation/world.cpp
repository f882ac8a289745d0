#include "tests/simulation/world.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "tests/simulation/centre.hpp"
#include "tests/simulation/checks.hpp"
#include "tests/simulation/weather.hpp"

namespace kw::simulation {
namespace {

using namespace std::chrono_literals;

constexpr WallTime origin = wall_from(1'780'000'000'000'000);
constexpr std::array names{"ack-before-commit", "swallow-block", "apply-twice", "reuse-epoch",
                           "roll-back-outbox",  "drop-frame",    "lying-disk"};
constexpr auto calm_limit = 24h;
constexpr auto rest_limit = 10min;
constexpr std::uint64_t swallowed_every = 20;
constexpr std::size_t queue_most = 2'000;  // frames; far more than credit and queues allow

/// How big a seed is: mostly small, now and then as long as may be.
struct Size {
  Size(Rng& rng, int max_days) {
    days =
        rng.chance(0.88) ? 1 + static_cast<int>(rng.below(3)) : 4 + static_cast<int>(rng.below(27));
    days = std::min(days, max_days);
    const auto most = days <= 3 ? 18U : 4U;
    kiosks = 3 + static_cast<int>(rng.chance(0.15) ? rng.below(most) : rng.below(3));
    heartbeat = days == 1 && kiosks <= 5 && rng.chance(0.3) ? Duration{30s}
                : days <= 3                                 ? Duration{10min}
                                                            : Duration{30min};
  }
  int days = 1;
  int kiosks = 3;
  Duration heartbeat{};
};

std::filesystem::path fresh(const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

}  // namespace

bool is_sabotage(const std::string& name) { return std::ranges::find(names, name) != names.end(); }

std::string sabotages() { return fmt::format("{}", fmt::join(names, ", ")); }

std::string play(std::uint64_t seed, const Setting& setting, Counters& counters) {
  Rng rng{seed};
  seed_identities(rng.next());
  const Size size{rng, setting.max_days};
  ++counters.seeds;
  counters.days += static_cast<std::uint64_t>(size.days);
  counters.kiosks += static_cast<std::uint64_t>(size.kiosks);

  Ledger ledger{counters, static_cast<std::size_t>(size.kiosks)};
  std::optional<Network> net;  // outlives what still waits in time
  Time time;
  auto& network = net.emplace(time, Rng{rng.next()}, counters);
  Stage stage{
      time,   network,       ledger, counters, fresh(setting.folder / "seed"), setting.identity,
      origin, size.heartbeat};
  network.on_sent = [&](int kiosk, const pb::Envelope& said, bool sole) {
    ledger.collector_said(kiosk, said, sole);
  };
  network.on_read = [&](int kiosk, const pb::Envelope& read, bool quarantined) {
    ledger.collector_read(kiosk, read, quarantined);
  };
  if (setting.sabotage == "drop-frame") network.swallow_every = swallowed_every;

  Disk::lying = setting.sabotage == "lying-disk";

  Sabotage sabotage;
  sabotage.ack_before_commit = setting.sabotage == "ack-before-commit";
  sabotage.swallow_block = setting.sabotage == "swallow-block";
  sabotage.apply_twice = setting.sabotage == "apply-twice";
  Centre centre{stage, setting.authority, rng.next(), size.kiosks, sabotage};
  std::vector<std::unique_ptr<Kiosk>> kiosks;
  Weather weather{stage, centre, kiosks, rng.next(), size.days, setting.trace};
  for (int i = 0; i < size.kiosks; ++i) {
    kiosks.push_back(std::make_unique<Kiosk>(stage, i, rng.next(), weather.ceiling_for(i)));
    kiosks.back()->reuses_epoch = setting.sabotage == "reuse-epoch";
    kiosks.back()->forgets = setting.sabotage == "roll-back-outbox";
  }
  time.drive({[&] { return centre.work(); }, [&] { return centre.due(); }});
  weather.begin();

  const auto broken = [&] { return ledger.violated(); };
  const auto stuck = [&](const char* when) {
    ledger.violate(
        Ledger::Broken::other,
        fmt::format("somebody is never done, {} at {} s", when,
                    std::chrono::duration_cast<std::chrono::seconds>(time.now()).count()));
  };
  if (!time.run_until(size.days * 24h, broken)) stuck("in the weather");

  // Heal everything; then all of it has to arrive.
  weather.end();
  const auto calm = [&] {
    return ledger.violated() ||
           (centre.running() &&
            std::ranges::all_of(kiosks, [](const auto& kiosk) { return kiosk->drained(); }));
  };
  for (Duration waited{}; !calm() && waited < calm_limit; waited += 1min) {
    if (!time.run_until(time.now() + 1min, broken)) stuck("in the calm");
  }
  if (!calm()) {
    for (const auto& kiosk : kiosks) {
      if (kiosk->drained()) continue;
      ledger.violate(Ledger::Broken::lost,
                     fmt::format("I1: {} is not drained a day after everything was healed: {}",
                                 kiosk->code(), kiosk->state()));
    }
    ledger.violate(Ledger::Broken::start_failure, "I5: the collector does not come back");
  }
  if (network.longest_queue() > queue_most) {
    ledger.violate(Ledger::Broken::other,
                   fmt::format("I6: {} frames in one queue", network.longest_queue()));
  }
  // What was held over clears in a moment: see the board after it.
  time.run_until(time.now() + 5min, broken);
  for (auto& kiosk : kiosks) kiosk->rest();
  centre.rest();
  const auto at_rest = [&] {
    return centre.at_rest() &&
           std::ranges::all_of(kiosks, [](const auto& kiosk) { return kiosk->at_rest(); });
  };
  time.run_until(time.now() + rest_limit, at_rest);
  if (!at_rest()) ledger.violate(Ledger::Broken::other, "a process does not end");
  if (!ledger.violated()) check_store(centre.database(), ledger, counters);
  for (const auto& kiosk : kiosks) counters.writes_refused += kiosk->refused_writes();
  counters.writes_refused += centre.refused_writes();
  network.host = nullptr;
  return ledger.violation();
}

}  // namespace kw::simulation
