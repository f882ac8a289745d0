#include "tests/simulation/kiosk.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "agent/power.hpp"
#include "common/identity/random.hpp"

namespace kw::simulation {
namespace {

using namespace std::chrono_literals;

constexpr auto house_kept_every = 20min;
constexpr auto samples_wait = 5s;
constexpr auto looked_again_after = 40s;  // longer than any end of a process takes

}  // namespace

/// One run of the agent.
struct Kiosk::Life {
  explicit Life(std::filesystem::path folder) : disk(std::move(folder)) {}

  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  Disk disk;
  bool durable = true;
  agent::Outbox* outbox = nullptr;
  std::unique_ptr<agent::Journal> journal;
  std::unique_ptr<agent::Uplink> uplink;
  bool ran = false;
  bool finished = false;
};

namespace {

Task<void> run(agent::Uplink& uplink, std::shared_ptr<void> life, bool& ran) {
  co_await uplink.run();
  ran = true;
}

Task<void> finish(agent::Uplink& uplink, Duration limit, std::shared_ptr<void> life,
                  bool& finished) {
  co_await uplink.finish(limit);
  finished = true;
}

}  // namespace

Kiosk::Kiosk(Stage& stage, int number, std::uint64_t seed, std::int64_t ceiling)
    : stage_(stage),
      number_(number),
      code_(fmt::format("K{}", number)),
      rng_(seed),
      clock_(stage.time, stage.origin),
      ceiling_(ceiling) {
  for (const auto* name : {"receipt", "reader", "laser"}) devices_.push_back({.name = name});
  // Up for some time before the seed begins.
  clock_.booted = -rng_.between(10s, 24h * 20);
  std::filesystem::create_directories(life_folder());
}

Kiosk::~Kiosk() = default;

std::filesystem::path Kiosk::life_folder() const {
  return stage_.folder / code_ / std::to_string(lives_);
}

void Kiosk::start() {
  starting_ = false;
  if (resting_ || life_) return;
  auto life = std::make_shared<Life>(life_folder());
  life->disk.full = disk_full_;
  life_ = life;
  if (epoch_ == 0 || !reuses_epoch) epoch_ = identity::random_u64() | 1U;
  const auto boot = fmt::format("boot-{}-{}", number_, boots_);
  agent::Outbox::Options options;
  options.folder = life->disk.folder();
  options.ceiling = ceiling_;
  options.acked_bytes = ceiling_ / 4;
  options.reserve = std::min<std::int64_t>(64 * 1024, ceiling_ / 4);
  auto outbox = std::make_unique<agent::Outbox>(options, clock_, boot, epoch_);
  if (!*life->alive) return;  // it died while it opened
  life->durable = outbox->stats().on_disk;
  if (!life->durable && !disk_full_) {
    stage_.ledger.violate(Ledger::Broken::start_failure,
                          fmt::format("I5: kiosk {}'s outbox could not be opened", number_));
  }
  if (replaced_) stage_.ledger.outbox_replaced(number_, *outbox, *replaced_);
  replaced_.reset();
  stage_.ledger.begin_epoch(number_, epoch_);
  life->outbox = outbox.get();
  const auto unheard = stage_.ledger.note(number_, *outbox, 64, life->durable);
  // What a full disk or memory alone has held may be older.
  stage_.ledger.begin_run(number_, *outbox, unheard > 0 || disk_full_ || !was_durable_);
  was_durable_ = life->durable;
  const auto last_run = outbox->last_run();
  life->journal = std::make_unique<agent::Journal>(std::move(outbox), clock_, 0);
  begin(life);
  if (!*life->alive) return;
  life->journal->power(agent::power_at_start(last_run, boot));
  for (std::size_t i = 0; i < devices; ++i) {
    devices_[i].debounce.forget();
    look(i);
  }
}

void Kiosk::begin(std::shared_ptr<Life> life) {
  agent::SessionFacts facts;
  facts.boot_id = fmt::format("boot-{}-{}", number_, boots_);
  facts.agent_version = "simulated";
  facts.hostname = code_;
  for (const auto& device : devices_) {
    facts.devices.push_back({device.name, "escpos", "receipt_printer", "", true});
  }
  agent::Uplink::Options options;
  options.folder = stage_.identity;
  options.session.heartbeat = stage_.heartbeat;
  options.seed = rng_.next();
  options.renewal_look = 24h;
  agent::Dial dial = [this, alive = life->alive](link::Endpoint, auto, Duration step,
                                                 std::optional<link::Refusal>* declined, auto) {
    return stage_.network.dial(number_, alive, step, declined);
  };
  life->uplink = std::make_unique<agent::Uplink>(stage_.time.io().get_executor(), *life->journal,
                                                 clock_, options, std::move(facts), dial);
  agent::Uplink::Told told;
  told.established = [this] { contacted_ = true; };
  life->uplink->on(std::move(told));
  told_ = 0;
  life->journal->on_appended([this, weak = std::weak_ptr{life}](const agent::Appended& what) {
    if (auto held = weak.lock()) appended(held, what);
  });
  spawn(stage_.time.io(), "uplink", run(*life->uplink, life, life->ran));
  keep_house(life);
}

void Kiosk::appended(const std::shared_ptr<Life>& life, const agent::Appended& what) {
  if (*life->alive) {
    // As many rows as numbers, at most; what was written before it was asked for is known.
    const auto rows = static_cast<std::size_t>(what.at.seq - std::min(told_, what.at.seq));
    told_ = what.at.seq;
    stage_.ledger.note(number_, *life->outbox, std::min<std::size_t>(rows + 1, 256), life->durable);
    if (what.status) stage_.ledger.note_status(number_, *what.status);
  }
  asio::post(stage_.time.io(), [life, what] {
    if (life->uplink) life->uplink->appended(what);
  });
}

void Kiosk::keep_house(const std::shared_ptr<Life>& life) {
  stage_.time.after(house_kept_every, [this, weak = std::weak_ptr{life}] {
    const auto held = weak.lock();
    if (!held || held != life_) return;
    held->journal->post([](agent::Outbox& outbox) { outbox.flush(); });
    if (rng_.below(3) == 0 && held == life_) {
      held->journal->post([now = agent::Seen{clock_.mono(), clock_.wall()}](agent::Outbox& outbox) {
        outbox.touch(now);
        outbox.prune(now);
      });
    }
    if (held != life_) return;
    if (forgets && rng_.below(3) == 0) {
      held->disk.copy_to(stage_.folder / code_ / "before", Loss::process, rng_);
    }
    const auto bytes = outbox_bytes();
    if (bytes > ceiling_) {
      stage_.ledger.violate(
          Ledger::Broken::other,
          fmt::format("I6: kiosk {}'s outbox takes {} bytes of {}", number_, bytes, ceiling_));
    }
    keep_house(held);
  });
}

/// The process is no more; what it does from now on nobody sees.
void Kiosk::end(bool spoken) {
  auto life = std::exchange(life_, nullptr);
  *life->alive = false;
  life->disk.never_die();
  refused_ += life->disk.refused();
  stage_.network.process_ended(Side::kiosk, number_, spoken);
  ended_.push_back(life);
  stage_.time.after(Duration{}, [this, life] {
    if (!life->uplink) {
      life->ran = life->finished = true;
      return;
    }
    spawn(stage_.time.io(), "finish", finish(*life->uplink, Duration{}, life, life->finished));
  });
  stage_.time.after(looked_again_after, [this] { reap(); });
}

void Kiosk::reap() {
  std::erase_if(ended_, [](const std::shared_ptr<Life>& life) {
    if (!life->ran || !life->finished) return false;
    const auto folder = life->disk.folder();
    life->uplink.reset();
    life->journal.reset();
    std::filesystem::remove_all(folder);
    return true;
  });
  if (!ended_.empty()) stage_.time.after(looked_again_after, [this] { reap(); });
}

void Kiosk::start_later(Duration pause) {
  if (std::exchange(starting_, true)) return;
  stage_.time.after(pause, [this] { start(); });
}

void Kiosk::crash(Loss loss, Duration off_for) {
  if (!life_) return;
  ++stage_.counters.crashes;
  ++lives_;
  const auto before = stage_.folder / code_ / "before";
  if (forgets && std::filesystem::exists(before)) {
    const Disk older{before};
    older.copy_to(life_folder(), Loss::process, rng_);
  } else {
    life_->disk.copy_to(life_folder(), loss, rng_);
  }
  if (loss == Loss::power) {
    ++stage_.counters.power_losses;
    ++boots_;
    clock_.booted = stage_.time.now() + off_for / 2;
  }
  end(loss == Loss::process);
  start_later(off_for);
}

void Kiosk::crash_in_write(std::uint64_t operations, Duration off_for) {
  if (!life_) return;
  const bool power = rng_.chance(0.5);
  life_->disk.die_after(operations, [this, off_for, power] {
    ++stage_.counters.crashes_in_write;
    crash(power ? Loss::power : Loss::process, off_for);
  });
}

void Kiosk::stop(Duration off_for) {
  if (!life_) return;
  auto life = life_;
  life->disk.never_die();
  life->journal->post(
      [this](agent::Outbox& outbox) { outbox.close_run({clock_.mono(), clock_.wall()}); });
  spawn(stage_.time.io(), "stop", finish(*life->uplink, 5s, life, life->finished));
  stage_.time.after(10s, [this, life, off_for] {
    if (life_ != life) return;
    ++lives_;
    // What is left is as if killed; a run that has ended in time closes its file.
    if (life->ran && life->finished) {
      life->uplink.reset();
      life->journal.reset();
    }
    life->disk.copy_to(life_folder(), Loss::process, rng_);
    end(true);
    start_later(off_for);
  });
}

void Kiosk::keep_copy() {
  if (!life_) return;
  copied_at_ = stage_.time.now();
  life_->disk.copy_to(stage_.folder / code_ / "copy", Loss::process, rng_);
}

void Kiosk::put_copy_back(std::map<std::uint64_t, std::uint64_t> stored, Duration off_for) {
  if (!life_ || !copied_at_) return;
  ++stage_.counters.outbox_copies;
  ++lives_;
  ++boots_;
  const Disk copy{stage_.folder / code_ / "copy"};
  copy.copy_to(life_folder(), Loss::process, rng_);
  replaced_ = std::move(stored);
  clock_.booted = stage_.time.now() + off_for / 2;
  end(true);
  start_later(off_for);
}

void Kiosk::disk_full(bool full) {
  disk_full_ = full;
  if (life_) life_->disk.full = full;
  if (!full && life_) {
    life_->journal->post([](agent::Outbox& outbox) { outbox.flush(); });
  }
}

wire::Status Kiosk::status_of(const Device& device) const {
  wire::Status out;
  out.device = wire::DeviceState::online;
  out.evidence = wire::Evidence::protocol_reply;
  if (!device.code.empty()) {
    out.conditions.push_back({.code = device.code,
                              .severity = wire::Severity::fault,
                              .action = wire::Action::clear,
                              .vendor_code = {},
                              .detail = fmt::format("episode {}", device.episode)});
  }
  return out;
}

void Kiosk::device(std::size_t which, const std::string& code) {
  auto& device = devices_[which];
  if (device.code == code) return;
  device.code = code;
  if (!code.empty()) ++device.episode;
  look(which);
}

void Kiosk::look(std::size_t which) {
  if (!life_ || !life_->journal) return;
  auto& device = devices_[which];
  const auto change = device.debounce.observe(status_of(device), clock_.mono());
  const auto again = device.debounce.decides_at();
  if (change) life_->journal->state(device.name, *change, false);
  if (again && life_) {
    stage_.time.after(*again - clock_.mono(), [this, which, weak = std::weak_ptr{life_}] {
      if (life_ && weak.lock() == life_) look(which);
    });
  }
}

void Kiosk::samples(int count) {
  for (int i = 0; i < count && life_; ++i) {
    const auto value = static_cast<double>(rng_.below(1'000'000));
    life_->journal->sample("laser", {{"pages_total", value}, {"temperature_celsius", 40.0}});
  }
  stage_.time.after(samples_wait, [weak = std::weak_ptr{life_}] {
    const auto held = weak.lock();
    if (!held || !*held->alive) return;
    held->journal->post([](agent::Outbox& outbox) { outbox.flush(); });
  });
}

void Kiosk::note() {
  if (life_) life_->journal->note("simulated", "laser", fmt::format("note {}", rng_.next()));
}

bool Kiosk::drained() const {
  if (!life_ || !life_->uplink) return false;
  return life_->uplink->status().phase == agent::UplinkPhase::live &&
         life_->outbox->stats().unacked == 0;
}

std::int64_t Kiosk::outbox_bytes() const {
  return life_ ? agent::bytes_on_disk(life_->disk.folder()) : 0;
}

std::vector<agent::DeviceView> Kiosk::devices_now() {
  return life_ ? life_->outbox->view().devices : std::vector<agent::DeviceView>{};
}

std::string Kiosk::state() const {
  if (!life_) return "off";
  const auto& status = life_->uplink->status();
  return fmt::format("{}, {} unacknowledged, last error \"{}\"", agent::name(status.phase),
                     life_->outbox->stats().unacked, status.last_error);
}

void Kiosk::rest() {
  resting_ = true;
  if (life_) end(true);
}

}  // namespace kw::simulation
