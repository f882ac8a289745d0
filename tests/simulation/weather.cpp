#include "tests/simulation/weather.hpp"

#include <array>
#include <iostream>
#include <utility>

#include <fmt/format.h>

namespace kw::simulation {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t roomy = 8LL * 1024 * 1024;
constexpr std::int64_t tight = 640LL * 1024;
constexpr std::array codes{"media-empty", "cover-open", "media-jam", "cutter-error"};
constexpr auto copies_kept_for = 5 * 24h;  // replay reaches back 7 days, less a clock set forward

}  // namespace

Weather::Weather(Stage& stage, Centre& centre, std::vector<std::unique_ptr<Kiosk>>& kiosks,
                 std::uint64_t seed, int days, bool trace)
    : stage_(stage),
      centre_(centre),
      kiosks_(kiosks),
      rng_(seed),
      until_(days * 24h),
      trace_(trace),
      slow_(days > 3) {}

void Weather::say(std::string_view what) const {
  if (!trace_) return;
  const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(stage_.time.now()).count();
  std::cout << fmt::format("{:>12.3f} s  {}\n", static_cast<double>(at) / 1000, what);
}

std::int64_t Weather::ceiling_for(int kiosk) {
  if (!rng_.chance(0.06)) return roomy;
  ++stage_.counters.ceilings;
  stage_.ledger.of(kiosk).may_drop = true;
  return tight;
}

void Weather::next(std::string_view name, Duration mean, std::function<void()> what) {
  const auto pause = rng_.exponential(mean);
  if (stage_.time.now() + pause >= until_) return;
  stage_.time.after(pause, [this, name, mean, what = std::move(what)]() mutable {
    if (over_) return;
    what();
    next(name, mean, std::move(what));
  });
}

void Weather::every(std::string_view name, Duration mean, std::function<void()> what) {
  next(name, slow_ ? 4 * mean : mean, std::move(what));
}

void Weather::trouble(double share, std::string_view name, Duration mean,
                      std::function<void()> what) {
  if (rng_.chance(share)) every(name, mean, std::move(what));
}

void Weather::begin() {
  partitioned_.assign(kiosks_.size(), false);
  centre_.start();
  for (std::size_t i = 0; i < kiosks_.size(); ++i) {
    auto& kiosk = *kiosks_[i];
    if (rng_.chance(0.15)) {
      // A dead battery: right only once somebody has heard the collector's time.
      ++stage_.counters.wrong_clocks;
      stage_.ledger.of(static_cast<int>(i)).may_not_keep = true;
      kiosk.set_clock(rng_.chance(0.5) ? Duration{3650 * 24h} : Duration{-3650 * 24h});
      say(fmt::format("{}'s clock is ten years off", kiosk.code()));
    }
    stage_.time.after(rng_.between(0s, 10min), [&kiosk] { kiosk.start(); });
    kiosk_life(i);
    kiosk_trouble(i);
  }
  collector_trouble();
}

void Weather::kiosk_life(std::size_t which) {
  auto& kiosk = *kiosks_[which];
  every("device", 5h, [this, &kiosk] {
    const auto device = rng_.below(Kiosk::devices);
    const std::string code = rng_.chance(0.55) ? codes[rng_.below(codes.size())] : "";
    say(fmt::format("{} device {}: {}", kiosk.code(), device, code.empty() ? "well" : code));
    kiosk.device(device, code);
    if (!rng_.chance(0.3)) return;
    // It heals by itself: within the hold of its rule, or long after.
    stage_.time.after(rng_.spread(500ms, 2h), [this, &kiosk, device] {
      if (!over_) kiosk.device(device, "");
    });
  });
  every("samples", 8h, [this, &kiosk] { kiosk.samples(1 + static_cast<int>(rng_.below(3))); });
  every("flurry", 36h, [this, &kiosk] { flurry(kiosk); });
}

/// Many events at once: batches, credit and a backlog.
void Weather::flurry(Kiosk& kiosk) {
  const auto count = 10 + rng_.below(60);
  say(fmt::format("{} has {} things to tell", kiosk.code(), count));
  for (std::uint64_t i = 0; i < count; ++i) {
    stage_.time.after(rng_.between(0s, 20s), [this, &kiosk] {
      if (over_) return;
      const auto kind = rng_.below(4);
      if (kind == 0) kiosk.note();
      if (kind == 1) kiosk.device(rng_.below(Kiosk::devices), codes[rng_.below(codes.size())]);
      if (kind == 2) kiosk.device(rng_.below(Kiosk::devices), "");
      if (kind == 3) kiosk.samples(1);
    });
  }
}

void Weather::kiosk_trouble(std::size_t which) {
  auto& kiosk = *kiosks_[which];
  const int number = static_cast<int>(which);
  trouble(0.6, "partition", 10h, [this, &kiosk, number] {
    if (partitioned_[static_cast<std::size_t>(number)]) return;
    ++stage_.counters.partitions;
    const auto kind = rng_.below(4);  // both ways mostly
    stage_.network.part(number, kind != 1, kind != 2);
    partitioned_[static_cast<std::size_t>(number)] = true;
    const auto lasts = rng_.spread(1s, 12h);
    say(fmt::format("{} is cut off ({}) for {} s", kiosk.code(), kind,
                    std::chrono::duration_cast<std::chrono::seconds>(lasts).count()));
    if (rng_.chance(0.5)) flurry(kiosk);
    stage_.time.after(lasts, [this, number] {
      if (over_) return;
      stage_.network.heal(number);
      partitioned_[static_cast<std::size_t>(number)] = false;
      say(fmt::format("K{} is back on the network", number));
    });
  });
  trouble(0.5, "cut", 10h, [this, &kiosk, number] {
    ++stage_.counters.cut_connections;
    say(fmt::format("{}'s connection breaks soon", kiosk.code()));
    stage_.network.cut_after(number, rng_.below(3'000));
    if (rng_.chance(0.5)) flurry(kiosk);
  });
  trouble(0.5, "crash", 24h, [this, &kiosk] {
    say(fmt::format("{}'s agent is killed", kiosk.code()));
    kiosk.crash(Loss::process, rng_.spread(1s, 10min));
  });
  trouble(0.5, "crash in write", 20h, [this, &kiosk] {
    say(fmt::format("{} will die in a write", kiosk.code()));
    kiosk.crash_in_write(1 + rng_.below(60), rng_.spread(1s, 2h));
  });
  trouble(0.4, "power", 30h, [this, &kiosk] {
    say(fmt::format("{} loses power", kiosk.code()));
    kiosk.crash(Loss::power, rng_.spread(30s, 10h));
  });
  trouble(0.3, "stop", 40h, [this, &kiosk] {
    say(fmt::format("{}'s agent is stopped", kiosk.code()));
    kiosk.stop(rng_.spread(5s, 3h));
  });
  trouble(0.2, "disk full", 40h, [this, &kiosk, number] {
    ++stage_.counters.full_disks;
    stage_.ledger.of(number).may_drop = true;
    say(fmt::format("{}'s disk is full", kiosk.code()));
    kiosk.disk_full(true);
    if (rng_.chance(0.7)) flurry(kiosk);
    stage_.time.after(rng_.spread(1min, 6h), [this, &kiosk] {
      if (over_) return;
      say(fmt::format("{}'s disk has room again", kiosk.code()));
      kiosk.disk_full(false);
    });
  });
  trouble(0.3, "clock", 40h, [this, &kiosk, number] {
    ++stage_.counters.clock_jumps;
    const auto by = rng_.between(-24h, 24h);
    stage_.ledger.of(number).may_not_keep = stage_.ledger.of(number).may_not_keep || slow_;
    say(fmt::format("{}'s clock jumps by {} s", kiosk.code(),
                    std::chrono::duration_cast<std::chrono::seconds>(by).count()));
    kiosk.jump_clock(by);
  });
  every("time set", 6h, [&kiosk] {
    if (kiosk.contacted()) kiosk.set_clock(0s);
  });
  if (!rng_.chance(0.25)) return;
  every("outbox copy", 20h, [&kiosk] { kiosk.keep_copy(); });
  every("outbox put back", 60h, [this, &kiosk, number] {
    // The collector tells what it has; while it is down nobody could say.
    if (!kiosk.has_copy() || !centre_.running()) return;
    say(fmt::format("{} comes back with an older outbox", kiosk.code()));
    stage_.ledger.of(number).may_not_keep = true;
    kiosk.put_copy_back(centre_.marks(number), rng_.spread(10s, 1h));
  });
}

void Weather::collector_trouble() {
  trouble(0.6, "collector killed", 14h, [this] {
    say("the collector is killed");
    centre_.crash(Loss::process, rng_.spread(1s, 1h));
  });
  trouble(0.6, "collector dies in a write", 14h, [this] {
    say("the collector will die in a write");
    centre_.crash_in_write(1 + rng_.below(200), rng_.spread(1s, 1h));
  });
  trouble(0.4, "collector loses power", 30h, [this] {
    say("the collector loses power");
    centre_.crash(Loss::power, rng_.spread(30s, 6h));
  });
  trouble(0.4, "collector drained", 30h, [this] {
    say("the collector is drained and started again");
    centre_.drain(rng_.spread(1s, 10min));
  });
  trouble(0.25, "collector's disk full", 30h, [this] {
    ++stage_.counters.full_disks;
    say("the collector's disk is full");
    centre_.disk_full(true);
    stage_.time.after(rng_.spread(1min, 3h), [this] {
      if (over_) return;
      say("the collector's disk has room again");
      centre_.disk_full(false);
    });
  });
  trouble(0.3, "everybody cut off", 40h, [this] {
    say("nobody reaches the collector");
    for (std::size_t i = 0; i < kiosks_.size(); ++i) {
      ++stage_.counters.partitions;
      stage_.network.part(static_cast<int>(i), true, true);
      partitioned_[i] = true;
      stage_.time.after(rng_.between(5min, 90min), [this, i] {
        if (over_) return;
        stage_.network.heal(static_cast<int>(i));
        partitioned_[i] = false;
      });
    }
  });
  if (!rng_.chance(0.4)) return;
  every("backup", 16h, [this] { centre_.keep_copy(); });
  every("restore", 40h, [this] {
    if (!centre_.has_copy() || stage_.time.now() - centre_.copied_at() > copies_kept_for) return;
    say("the collector is put back to an older copy");
    centre_.put_copy_back(rng_.spread(10s, 1h));
  });
}

void Weather::end() {
  over_ = true;
  say("everything is healed");
  centre_.disk_full(false);
  for (std::size_t i = 0; i < kiosks_.size(); ++i) {
    stage_.network.heal(static_cast<int>(i));
    kiosks_[i]->disk_full(false);
    kiosks_[i]->set_clock(0s);
  }
}

}  // namespace kw::simulation
