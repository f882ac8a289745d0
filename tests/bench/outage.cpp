// What a long outage leaves in the outbox: DAYS simulated days of a busy kiosk's events, written by
// the outbox itself into FOLDER, unacknowledged. Prints what it took as one line of JSON.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "agent/outbox/outbox.hpp"
#include "common/identity/random.hpp"
#include "common/log.hpp"
#include "common/wire/conditions.hpp"
#include "tests/support/manual_clock.hpp"

namespace {

using namespace kw;

// A busy kiosk at rate 1, by hour: two samples a minute around the clock; from eight to eight
// twenty pieces of business with what belongs to them, and ten changes of some device's state.
constexpr int samples_per_hour = 120;
constexpr int business_per_hour = 20;
constexpr int changes_per_hour = 10;
constexpr int opens = 8;
constexpr int closes = 20;

wire::Status status(const std::string& code) {
  wire::Status out;
  out.device = wire::DeviceState::online;
  out.media = wire::Media::present;
  out.evidence = wire::Evidence::protocol_reply;
  out.components = {{"cover", wire::ComponentState::closed, true},
                    {"cutter", wire::ComponentState::ok, true}};
  wire::Consumable paper;
  paper.type = "receipt_paper";
  paper.unit = "metres";
  paper.available = 40;
  paper.capacity = 80;
  out.consumables.push_back(paper);
  if (!code.empty()) {
    out.conditions.push_back(wire::condition(*wire::find_condition(code), "EOT4=96"));
  }
  return out;
}

class Kiosk {
 public:
  Kiosk(const std::filesystem::path& folder, int days, ManualClock& clock)
      : clock_(clock), days_(days), outbox_({.folder = folder}, clock, "outage", epoch()) {}

  void live(int rate) {
    for (int hour = 0; hour < days_ * 24; ++hour) {
      const bool open = hour % 24 >= opens && hour % 24 < closes;
      const int steps = samples_per_hour * rate;
      for (int i = 0; i < steps; ++i) {
        clock_.advance(Duration{std::chrono::hours{1}} / steps);
        sample();
        if (open && i % (samples_per_hour / business_per_hour) == 0) business();
        if (open && i % (samples_per_hour / changes_per_hour) == 0) change();
      }
    }
    outbox_.flush();
  }

  /// Out of paper and well again five hours ago; a jam now.
  void episode() {
    outbox_.append_state("receipt", status("media-empty"), now());
    clock_.advance(std::chrono::minutes{30});
    outbox_.append_state("receipt", status({}), now());
    clock_.advance(std::chrono::hours{5});
    outbox_.append_state("laser", status("media-jam"), now());
    outbox_.flush();
  }

  std::uint64_t written() { return outbox_.view().epochs.back().last; }
  agent::OutboxStats stats() { return outbox_.stats(); }

 private:
  static std::uint64_t epoch() { return identity::random_u64() | 1; }
  agent::Seen now() const { return {clock_.mono(), clock_.wall()}; }

  void sample() {
    pb::Event event;
    auto& to = *event.mutable_sample();
    to.set_device("host");
    for (const char* name : {"cpu_used_percent", "memory_used_percent", "disk_used_percent",
                             "load_1m", "processes", "temperature_celsius"}) {
      auto& m = *to.add_measurement();
      m.set_name(name);
      m.set_value(static_cast<double>(random_() % 1'000) / 10);
    }
    outbox_.hold_sample(std::move(event), now());
    if (outbox_.held() >= 64) outbox_.flush();
  }

  void business() {
    const auto id = std::to_string(++business_);
    agent::Telling telling;
    pb::Event begin;
    begin.mutable_session()->set_id("s" + id);
    begin.mutable_session()->set_application("service-hall");
    telling.events.push_back(begin);
    pb::Event done;
    auto& t = *done.mutable_transaction();
    t.set_id("t" + id);
    t.set_business("social-security-query");
    t.set_handling_city("440300");
    t.set_duration_ms(20'000 + random_() % 60'000);
    t.set_session("s" + id);
    telling.events.push_back(done);
    pb::Event end;
    end.mutable_session()->set_id("s" + id);
    end.mutable_session()->set_kind(pb::ServiceSession::END);
    end.mutable_session()->set_reason("completed");
    telling.events.push_back(end);
    outbox_.tell(telling, now());
  }

  void change() {
    const bool ill = (changes_++ & 1) == 0;
    outbox_.append_state("receipt", status(ill ? "media-low" : ""), now());
  }

  ManualClock& clock_;
  int days_;
  std::mt19937_64 random_{7};
  std::uint64_t business_ = 0;
  std::uint64_t changes_ = 0;
  agent::Outbox outbox_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bench_outage FOLDER DAYS RATE\n");
    return 64;
  }
  log::start(log::Level::error, log::Format::text);
  const int days = std::atoi(argv[2]);
  const int rate = std::atoi(argv[3]);
  if (days < 1 || rate < 1) return 64;
  const SystemClock real;
  // It ends now.
  ManualClock clock{real.wall() - days * std::chrono::hours{24} - std::chrono::minutes{330},
                    mono_from(3'600'000'000)};
  std::uint64_t written = 0;
  {
    Kiosk kiosk{argv[1], days, clock};
    kiosk.live(rate);
    kiosk.episode();
    written = kiosk.written();
  }
  const auto before = real.mono();
  agent::Outbox again{{.folder = argv[1]}, clock, "again", identity::random_u64() | 1};
  const auto opened = real.mono() - before;
  const auto stats = again.stats();
  std::printf(
      "{\"days\":%d,\"rate\":%d,\"written\":%llu,\"kept\":%llu,\"bytes\":%lld,\"ceiling\":%lld,"
      "\"open_ms\":%.1f}\n",
      days, rate, static_cast<unsigned long long>(written),
      static_cast<unsigned long long>(stats.kept), static_cast<long long>(stats.bytes),
      static_cast<long long>(stats.ceiling), static_cast<double>(opened.count()) / 1e3);
  return 0;
}
