// Every call of the agent's outbox to its disk fails, once and for good.
#include <doctest/doctest.h>

#include "tests/torture/io_faults.hpp"
#include "tests/torture/outbox_run.hpp"
#include "tests/torture/report.hpp"

using namespace kw;
using namespace kw::agent;
using namespace kw::torture;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t everything = 1'000'000;

/// What an agent was promised, by the names of its events.
class Account {
 public:
  explicit Account(const fs::path& folder) {
    options_.folder = folder;
    options_.ceiling = 2 * 1024 * 1024;
    options_.reserve = 0;
  }

  void day() {
    start(7);
    note();
    state({"media-low"});
    hold(5);
    note();
    begin("c1");
    state({"media-empty"});
    tell("t1");
    hold(3);
    flush();
    finish("c1");
    read();
    outbox_->acknowledge(7, 4);
    outbox_->save_supplies({{"printer", "paper", "1"}});
    clock_.advance(std::chrono::days{8});
    outbox_->prune({clock_.mono(), clock_.wall()});
    state({});
    note();
    outbox_->close_run(now());
    start(8);
    note();
    tell("t2");
    state({"cover-open"});
    note();
  }
  /// The fault is over: whatever waited is written.
  void go_on() {
    flush();
    flush();
    note();
    went_on_ = promised_.contains(last_);
    in_memory_ = !outbox_->stats().on_disk;
  }
  void end() { outbox_.reset(); }

  bool in_memory() const { return in_memory_ || was_in_memory_; }
  /// Opens what is in `folder` without any fault and looks for everything. `killed`: nobody had the
  /// time to write what waited.
  std::optional<std::string> judge(const fs::path& folder, bool killed) const;

 private:
  void start(std::uint64_t epoch) {
    if (outbox_) was_in_memory_ = was_in_memory_ || !outbox_->stats().on_disk;
    outbox_.reset();
    outbox_ = std::make_unique<Outbox>(options_, clock_, "boot", epoch);
    outbox_->on_appended([this](const Appended&) { ++appended_; });
    was_in_memory_ = was_in_memory_ || !outbox_->stats().on_disk;
    held_.clear();
    epoch_ = epoch;
  }
  Seen now() {
    clock_.advance(std::chrono::milliseconds{10});
    return {clock_.mono(), clock_.wall()};
  }
  std::string next() {
    last_ = fmt::format("e{}", ++number_);
    ++begun_[epoch_];
    return last_;
  }
  /// Promised is what was told as appended while on disk.
  void keep(const std::vector<std::string>& names, std::uint64_t before) {
    if (appended_ == before || !outbox_->stats().on_disk) return;
    promised_.insert(names.begin(), names.end());
  }
  std::vector<std::string> with_held(std::string name) {
    auto out = std::exchange(held_, {});
    out.push_back(std::move(name));
    return out;
  }
  void note() {
    const auto before = appended_;
    const auto name = next();
    outbox_->append(Box::note(name), now());
    keep(with_held(name), before);
  }
  void state(std::vector<std::string> codes) {
    ++begun_[epoch_];
    if (outbox_->append_state("printer", Box::status(codes), now()) && outbox_->stats().on_disk) {
      promised_.insert(held_.begin(), held_.end());
    }
    held_.clear();
  }
  void hold(int count) {
    for (int i = 0; i < count; ++i) {
      held_.push_back(next());
      outbox_->hold_sample(Box::sample(last_, i), now());
    }
  }
  void flush() {
    const auto before = appended_;
    outbox_->flush();
    if (!held_.empty()) keep(std::exchange(held_, {}), before);
  }
  void begin(const std::string& id) {
    if (outbox_->begin_command(id, now()) == Outbox::Begin::begun) commands_.push_back(id);
  }
  void finish(const std::string& id) {
    ++begun_[epoch_];
    pb::CommandResult result;
    result.set_id(id);
    outbox_->finish_command(result, now());
  }
  void tell(const std::string& name) {
    Telling telling;
    telling.names.push_back({name, "mark", "answer"});
    telling.events.push_back(Box::note("told-" + name));
    if (outbox_->tell(telling, now()).how == Told::How::written) told_.push_back(name);
    held_.clear();
  }
  void read() { outbox_->batch_after(7, 0, Box::wide()); }

  Outbox::Options options_;
  ManualClock clock_;
  std::unique_ptr<Outbox> outbox_;
  std::uint64_t epoch_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t appended_ = 0;
  std::string last_;
  std::vector<std::string> held_;
  std::map<std::uint64_t, std::uint64_t> begun_;
  std::set<std::string> promised_;
  std::vector<std::string> commands_;
  std::vector<std::string> told_;
  bool went_on_ = false;
  bool in_memory_ = false;
  bool was_in_memory_ = false;
};

std::string name_of(const pb::Event& event) {
  if (event.has_agent()) return event.agent().code();
  if (event.has_sample()) return event.sample().device();
  return {};
}

std::optional<std::string> Account::judge(const fs::path& folder, bool killed) const {
  auto options = options_;
  options.folder = folder;
  Outbox outbox{options, clock_, "boot", 99};
  if (!outbox.stats().on_disk) return "start: not on disk after the fault";
  std::map<std::string, int> found;
  std::map<std::uint64_t, std::uint64_t> numbers;
  auto rows = outbox.newest(everything);
  std::uint64_t last_number = 0;
  for (auto it = rows.rbegin(); it != rows.rend(); ++it) {
    const auto& [epoch, record] = *it;
    numbers[epoch] += record.count;
    pb::Event event;
    if (record.gap() || !event.ParseFromString(record.body)) continue;
    const auto name = name_of(event);
    if (name.empty()) continue;
    if (++found[name] > 1 && (name.starts_with("e") || name.starts_with("told-"))) {
      if (name.size() < 8) return "wrong: " + name + " is there twice";
    }
    if (name.starts_with("e") && name.size() < 5 && std::isdigit(name[1]) != 0) {
      const auto number = std::stoull(name.substr(1));
      if (number < last_number) return "wrong: " + name + " is out of order";
      last_number = number;
    }
  }
  const auto view = outbox.view();
  for (const auto& epoch : view.epochs) {
    // Every number up to the last is an event or a counted gap.
    const auto kept = epoch.last + 1 - std::min(epoch.first_kept, epoch.last + 1);
    if (kept != numbers[epoch.epoch]) {
      return fmt::format("wrong: epoch {} has {} numbers in rows, not {}", epoch.epoch,
                         numbers[epoch.epoch], kept);
    }
    const auto begun = begun_.find(epoch.epoch);
    if (!killed && begun != begun_.end() && epoch.last < begun->second) {
      return fmt::format("lost: {} of {} events without a gap in epoch {}",
                         begun->second - epoch.last, begun->second, epoch.epoch);
    }
  }
  for (const auto& [epoch, count] : begun_) {
    const auto there = std::ranges::find(view.epochs, epoch, &EpochView::epoch);
    if (there == view.epochs.end() && !killed) return fmt::format("lost: epoch {}", epoch);
  }
  for (const auto& name : promised_) {
    // The first ones were acknowledged, and are pruned some day.
    if (std::stoull(name.substr(1)) > 5 && found[name] != 1) return "lost: " + name;
  }
  for (const auto& name : {"t1", "t2"}) {
    const bool remembered = outbox.told(name).has_value();
    const bool there = found.contains(std::string{"told-"} + name);
    const bool week_over = std::string_view{name} == "t1";  // the day takes eight
    if (there && !remembered && !week_over)
      return "wrong: " + std::string{name} + " would count twice";
    if (std::ranges::find(told_, name) != told_.end() && !there) {
      return "lost: what was told as " + std::string{name};
    }
  }
  for (const auto& id : commands_) {
    if (outbox.begin_command(id, {}) != Outbox::Begin::known) return "wrong: " + id + " runs again";
  }
  if (!killed && !went_on_ && !in_memory_) return "start: it did not go on after the fault";
  return std::nullopt;
}

/// As kill -9 leaves it.
void copy_files(const fs::path& from, const fs::path& to) {
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator{to}) old.push_back(entry.path());
  for (const auto& path : old) fs::remove(path);
  for (const auto& entry : fs::directory_iterator{from}) {
    const auto name = entry.path().filename().string();
    if (!name.ends_with("-shm")) fs::copy_file(entry.path(), to / name);
  }
}

}  // namespace

TEST_CASE("outbox: whatever call fails, nothing promised is lost and nothing is there twice") {
  Disk disk;
  Tally tally;
  std::uint64_t in_memory = 0;
  tests::TempFolder killed;
  each_fault(disk, 1, [&](const Fault& fault) {
    tests::TempFolder folder;
    Account account{folder.path()};
    disk.order(fault);
    account.day();
    copy_files(folder.path(), killed.path());
    disk.heal();
    const auto judged = [&](const fs::path& where, bool was_killed) {
      const auto complaint = account.judge(where, was_killed);
      tally.add(complaint);
      if (!complaint) return;
      MESSAGE(std::string{name(fault.call)}, " ", fault.at, " with ", fault.code,
              std::string{fault.sticky ? " for good" : " once"},
              std::string{was_killed ? ", killed: " : ": "}, *complaint);
    };
    judged(killed.path(), true);
    account.go_on();
    account.end();
    // What was only in memory while the disk was away is gone with the process; it said so.
    if (account.in_memory()) {
      ++in_memory;
    } else {
      judged(folder.path(), false);
    }
    return tally.bad() < 12;
  });
  print("outbox-io", tally, "io_cases");
  MESSAGE("in memory: ", in_memory);
  CHECK_MESSAGE(tally.bad() == 0, tally.first);
  CHECK(tally.cuts >= 1'000);
}

TEST_CASE("control: writes of the outbox that vanish are caught") {
  Disk disk;
  Tally tally;
  for (std::uint64_t at = 20; at < 120 && tally.bad() < 1; ++at) {
    tests::TempFolder folder;
    Account account{folder.path()};
    disk.order({.call = Call::write, .at = at, .code = vanishes});
    account.day();
    disk.heal();
    account.go_on();
    account.end();
    tally.add(account.judge(folder.path(), false));
  }
  print("outbox-io-control", tally, "io_cases");
  CHECK(tally.bad() >= 1);
}
