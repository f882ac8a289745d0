#include "tests/simulation/centre.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "collector/gateway/gateway.hpp"
#include "collector/store/sqlite/sqlite_store.hpp"

namespace kw::simulation {
namespace {

using namespace std::chrono_literals;
using collector::TerminalKey;

constexpr auto looked_again_after = 60s;
constexpr auto started_again_after = 10s;
constexpr auto drain_hint = 5s;
constexpr auto drain_within = 15s;

// Kiosks are made in their order, and keys are counted from 1.
TerminalKey key_of(int kiosk) { return kiosk + 1; }

}  // namespace

/// One run of the collector, built as collector/app.cpp builds it.
struct Centre::Process {
  Process(std::filesystem::path folder, const collector::AuthorityFiles& authority,
          const Clock& clock)
      : disk(std::move(folder)), authority_files(authority), clock_of(clock) {}

  void run(std::unique_ptr<collector::Store> store, asio::io_context& io, Duration silent_after) {
    registry.put(store->certificates());
    auto rules = collector::Rules::load(disk.folder() / "rules.toml");
    constexpr double per_second = 500;
    writer = std::make_unique<collector::Writer>(
        std::move(store), std::move(*rules), clock_of,
        collector::restart_job(clock_of.wall(), per_second), collector::Writer::Drive::by_hand);
    enrolment = std::make_unique<collector::Enrolment>(*writer, registry, authority_files, crypto,
                                                       clock_of, collector::Enrolment::Settings{});
    uploads =
        std::make_unique<collector::BundleUploads>(*writer, registry, bundles, files, clock_of);
    collector::Gateway::Limits limits;
    limits.silent_after = silent_after;
    gateway = std::make_unique<collector::Gateway>(io.get_executor(), *writer, registry, *enrolment,
                                                   *uploads, clock_of, limits);
    auto* to = gateway.get();
    writer->on_outgoing([to, &io](TerminalKey terminal) {
      asio::post(io, [to, terminal] { to->deliver(terminal); });
    });
  }

  std::filesystem::path file() const { return disk.folder() / "collector.db"; }
  /// For the model's own questions.
  db::Database* reader() {
    if (reading) return reading.get();
    db::Database::Options options;
    options.read_only = true;
    auto opened = db::Database::open(file(), options);
    if (opened) reading = std::move(*opened);
    return reading.get();
  }

  Disk disk;
  const collector::AuthorityFiles& authority_files;
  const Clock& clock_of;
  collector::Registry registry;
  std::unique_ptr<collector::Writer> writer;
  Worker crypto{0, 0};
  Worker files{0, 0};
  std::unique_ptr<collector::Enrolment> enrolment;
  collector::BundleFiles bundles{disk.folder() / "bundles"};
  std::unique_ptr<collector::BundleUploads> uploads;
  std::unique_ptr<collector::Gateway> gateway;
  std::unique_ptr<db::Database> reading;
  std::uint64_t orders = 0;
  std::set<std::string> ordered;
  bool draining = false;
};

Centre::Centre(Stage& stage, const collector::AuthorityFiles& authority, std::uint64_t seed,
               int kiosks, Sabotage sabotage)
    : stage_(stage),
      authority_(authority),
      rng_(seed),
      clock_(stage.time, stage.origin),
      kiosks_(kiosks),
      sabotage_(sabotage) {
  std::filesystem::create_directories(life_folder());
  const auto file = life_folder() / "collector.db";
  auto store = collector::SqliteStore::open(file);
  if (!store) return;  // told by the first start
  auto made = (*store)->transact([&] {
    for (int i = 0; i < kiosks_; ++i) {
      const auto code = fmt::format("K{}", i);
      const auto terminal = (*store)->make_terminal(code, clock_.wall());
      (*store)->put_certificate({.serial = code, .terminal = terminal, .terminal_code = code},
                                clock_.wall() + std::chrono::days{365}, clock_.wall());
    }
  });
  store->reset();
  if (made) this->sabotage(file);
}

Centre::~Centre() = default;

std::filesystem::path Centre::life_folder() const {
  return stage_.folder / "collector" / std::to_string(lives_);
}

std::filesystem::path Centre::database() const { return life_folder() / "collector.db"; }

void Centre::sabotage(const std::filesystem::path& file) const {
  auto db = db::Database::open(file, {});
  if (!db) return;
  if (sabotage_.swallow_block) {
    (*db)->script(
        "CREATE TRIGGER sabotage BEFORE INSERT ON event_block WHEN NEW.first_seq % 11 = 7 "
        "BEGIN SELECT RAISE(IGNORE); END");
  }
  if (sabotage_.apply_twice) {
    (*db)->script(
        "CREATE TRIGGER sabotage AFTER INSERT ON event_block WHEN NEW.first_seq % 11 = 7 BEGIN "
        "INSERT INTO event_block VALUES (NEW.terminal, NEW.epoch, NEW.first_seq + 1000000, "
        "NEW.last_seq + 1000000, NEW.base_at, NEW.uncertain, NEW.first_at, NEW.last_at, "
        "NEW.received_at, NEW.body); END");
  }
}

void Centre::start() {
  starting_ = false;
  if (resting_ || process_) return;
  auto process = std::make_shared<Process>(life_folder(), authority_, clock_);
  process->disk.full = disk_full_;
  process_ = process;
  auto store = collector::SqliteStore::open_existing(process->file());
  if (process_ != process) return;  // it died while it opened
  if (!store) {
    if (!disk_full_) {
      stage_.ledger.violate(Ledger::Broken::start_failure,
                            "I5: the collector does not start: " + store.error().text());
    }
    process_.reset();
    start_later(started_again_after);
    return;
  }
  check_marks(**store);
  process->run(std::move(*store), stage_.time.io(), 3 * stage_.heartbeat);
  stage_.ledger.collector_began();
  stage_.network.host = process->gateway.get();
  look_at_orders(*process);
}

/// What was acknowledged has survived whatever ended the run before.
void Centre::check_marks(collector::Store& store) {
  for (int i = 0; i < kiosks_; ++i) {
    for (const auto& [epoch, acked] : stage_.ledger.of(i).acked) {
      const auto mark = store.mark(key_of(i), epoch);
      const auto upto = mark ? mark->seq : store.stored_upto(key_of(i), epoch);
      if (upto >= acked) continue;
      stage_.ledger.violate(
          Ledger::Broken::lost,
          fmt::format("I3: kiosk {}'s {:016x} was acknowledged up to {}, and after the collector's "
                      "end only {} is there",
                      i, epoch, acked, upto));
    }
  }
}

std::map<std::uint64_t, std::uint64_t> Centre::marks(int kiosk) {
  std::map<std::uint64_t, std::uint64_t> out;
  auto* db = process_ ? process_->reader() : nullptr;
  if (db == nullptr) return out;
  for (const auto row : db->rows("SELECT epoch, max(last_seq) FROM event_block WHERE terminal=$1 "
                                 "GROUP BY epoch",
                                 key_of(kiosk))) {
    out[row.unsigned_integer(0)] = row.unsigned_integer(1);
  }
  return out;
}

bool Centre::work() {
  if (!process_ || !process_->writer) return false;
  const auto process = process_;
  if (process->writer->figures().queued == 0 && due() > stage_.time.now()) return false;
  const bool worked = process->writer->turn();
  if (process != process_) return true;
  if (worked && process->writer->figures().orders != process->orders) look_at_orders(*process);
  if (worked && sabotage_.ack_before_commit && rng_.chance(0.05)) {
    process->disk.copy_to(stage_.folder / "collector" / "before", Loss::process, rng_);
  }
  return worked;
}

Duration Centre::due() const {
  if (!process_ || !process_->writer) return Duration::max();
  const auto next = process_->writer->next_timer();
  if (!next) return Duration::max();
  return stage_.time.now() + std::max(*next - clock_.wall(), Duration{});
}

/// An order is for what the collector must still hold for true.
void Centre::look_at_orders(Process& process) {
  process.orders = process.writer->figures().orders;
  auto* db = process.reader();
  if (db == nullptr) return;
  const bool first = process.ordered.empty();
  for (const auto row :
       db->rows("SELECT o.id, o.terminal, o.subject, o.code, f.since_epoch, f.since_seq FROM "
                "work_order o JOIN fault f ON f.id=o.fault_id ORDER BY o.created_at DESC, o.id "
                "DESC LIMIT $1",
                first ? 100'000 : 200)) {
    if (!process.ordered.insert(row.text(0)).second || process.orders == 0) continue;
    ++stage_.counters.orders;
    const int kiosk = static_cast<int>(row.integer(1)) - 1;
    const auto subject = row.text(2);
    if (subject.empty()) {
      if (!stage_.network.connected(kiosk)) continue;
      stage_.ledger.violate(
          Ledger::Broken::other,
          fmt::format("I7: kiosk {} is connected and ordered for silence", kiosk));
    } else if (!stage_.ledger.may_be_ordered(kiosk, subject, row.text(3))) {
      stage_.ledger.violate(
          Ledger::Broken::other,
          fmt::format(
              "I7: an order for {} on kiosk {}'s {} ({:016x}/{}), which the collector knows "
              "to have healed",
              row.text(3), kiosk, subject, row.unsigned_integer(4), row.unsigned_integer(5)));
    }
  }
}

void Centre::end(bool spoken) {
  auto process = std::exchange(process_, nullptr);
  process->disk.never_die();
  refused_ += process->disk.refused();
  stage_.network.host = nullptr;
  stage_.network.process_ended(Side::collector, -1, spoken);
  if (!process->writer) return;  // still opening: it goes with its start
  ended_.push_back(process);
  // Not at once: this may be in the middle of a commit.
  stage_.time.after(Duration{}, [process] { process->writer->stop(); });
  stage_.time.after(looked_again_after, [this] { reap(); });
}

void Centre::reap() {
  std::erase_if(ended_, [](const std::shared_ptr<Process>& process) {
    if (process->gateway->figures().sessions > 0 || process->draining) return false;
    const auto folder = process->disk.folder();
    process->reading.reset();
    process->gateway.reset();
    process->writer.reset();
    std::filesystem::remove_all(folder);
    return true;
  });
  if (!ended_.empty()) stage_.time.after(looked_again_after, [this] { reap(); });
}

void Centre::start_later(Duration pause) {
  if (std::exchange(starting_, true)) return;
  stage_.time.after(pause, [this] { start(); });
}

void Centre::crash(Loss loss, Duration off_for) {
  if (!process_) return;
  ++stage_.counters.crashes;
  if (loss == Loss::power) ++stage_.counters.power_losses;
  const auto before = stage_.folder / "collector" / "before";
  const bool forgets = sabotage_.ack_before_commit && std::filesystem::exists(before);
  ++lives_;
  if (forgets) {
    const Disk older{before};
    older.copy_to(life_folder(), Loss::process, rng_);
  } else {
    process_->disk.copy_to(life_folder(), loss, rng_);
  }
  end(loss == Loss::process);
  start_later(off_for);
}

void Centre::crash_in_write(std::uint64_t operations, Duration off_for) {
  if (!process_) return;
  const bool power = rng_.chance(0.5);
  process_->disk.die_after(operations, [this, off_for, power] {
    ++stage_.counters.crashes_in_write;
    crash(power ? Loss::power : Loss::process, off_for);
  });
}

namespace {

Task<void> drain_then(collector::Gateway& gateway, std::function<void()> then) {
  co_await gateway.drain(drain_hint, drain_within);
  then();
}

}  // namespace

void Centre::drain(Duration off_for) {
  if (!process_ || process_->draining) return;
  ++stage_.counters.drains;
  auto process = process_;
  process->draining = true;
  auto then = [this, process, off_for] {
    process->draining = false;
    if (process != process_) return;  // it was killed meanwhile
    process->writer->stop();
    if (process != process_) return;  // it died in its last commit
    ++lives_;
    process->disk.copy_to(life_folder(), Loss::process, rng_);
    end(true);
    start_later(off_for);
  };
  spawn(stage_.time.io(), "drain", drain_then(*process->gateway, std::move(then)));
}

void Centre::disk_full(bool full) {
  disk_full_ = full;
  if (full) stage_.ledger.collector_disk_was_full = true;
  if (process_) process_->disk.full = full;
}

void Centre::keep_copy() {
  if (!process_) return;
  copied_at_ = stage_.time.now();
  process_->disk.copy_to(stage_.folder / "collector" / "copy", Loss::process, rng_);
}

void Centre::put_copy_back(Duration off_for) {
  if (!process_ || !copied_at_) return;
  ++stage_.counters.restores;
  stage_.ledger.collector_restored = true;
  ++lives_;
  const Disk copy{stage_.folder / "collector" / "copy"};
  copy.copy_to(life_folder(), Loss::process, rng_);
  for (int i = 0; i < kiosks_; ++i) stage_.ledger.of(i).acked.clear();
  end(true);
  start_later(off_for);
}

void Centre::rest() {
  resting_ = true;
  if (!process_) return;
  ++lives_;
  process_->disk.copy_to(life_folder(), Loss::process, rng_);
  end(true);
}

}  // namespace kw::simulation
