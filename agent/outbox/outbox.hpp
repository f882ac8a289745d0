#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/outbox/file.hpp"
#include "agent/outbox/record.hpp"
#include "agent/outbox/retention.hpp"
#include "agent/outbox/types.hpp"
#include "agent/power.hpp"
#include "common/result.hpp"

namespace kw::agent {

/// Whether the status or one of its conditions began in `epoch`.
bool names_epoch(const pb::Status& status, std::uint64_t epoch);

/// Every event that the collector has not acknowledged, in the order of its number, and the last
/// acknowledged ones for replay. Survives power loss: once `append…` has returned, the event is on
/// disk. Never refuses to start: a damaged file is salvaged and put aside. One thread at a time.
class Outbox {
 public:
  struct Options {
    std::filesystem::path folder;
    std::int64_t ceiling = 256LL * 1024 * 1024;     ///< bytes of database, log and index
    std::int64_t acked_bytes = 64LL * 1024 * 1024;  ///< kept for replay, at most
    Duration acked_for = std::chrono::days{7};
    std::int64_t reserve = 4LL * 1024 * 1024;  ///< file given up when the disk itself is full
  };

  /// Opens or makes the file and begins the epoch `epoch` (random, never 0).
  Outbox(const Options& options, const Clock& clock, std::string boot_id, std::uint64_t epoch);

  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  ~Outbox();

  /// Called after every commit that wrote events, in order, on the outbox's thread.
  void on_appended(std::function<void(const Appended&)> told) { told_ = std::move(told); }

  /// What the run before this one left, nothing on the first.
  const std::optional<LastRun>& last_run() const { return last_run_; }

  /// Forgets what is known of devices that are not in the configuration any more.
  void retain_devices(const std::vector<std::string>& configured);

  /// Writes a change of state. A status equal to the last one written (this run or an earlier one)
  /// makes no event; conditions that persist keep the position that began them, until they grow
  /// from a warning into a fault. `proven`: as `Recorder::state` has it.
  std::optional<Appended> append_state(const std::string& device, const wire::Status& status,
                                       const Seen& seen, bool proven = false);
  /// Writes one event of another class at once.
  void append(const pb::Event& event, const Seen& seen);
  /// Keeps a sample until the next commit, or until `flush`.
  void hold_sample(pb::Event event, const Seen& seen);
  std::size_t held() const { return held_.size(); }
  /// Commits what is held, what could not be written before, and acknowledgements.
  void flush();

  /// Writes what is told, durably or not at all; names are remembered for a week, restarts
  /// included.
  Told tell(const Telling& telling, const Seen& seen);
  /// What was told under that name.
  std::optional<Telling::Name> told(const std::string& name);
  /// A value that a telling has kept; empty when none has.
  std::string note(std::string_view key);
  /// All whose keys begin so, by what follows.
  std::map<std::string, std::string> notes(std::string_view beginning);

  enum class Begin { begun, known, not_kept };
  /// Notes durably that the command `id` begins: only then may it. `known`: it began or ended
  /// before, in whatever run. `not_kept`: the disk does not take the note.
  Begin begin_command(const std::string& id, const Seen& seen);
  /// Writes a command's result and that it is done, in one commit; when the disk does not take
  /// them, with a later `flush`. A command that is done already gets no second result.
  void finish_command(const pb::CommandResult& result, const Seen& seen);
  /// Commands that began and have no result.
  std::vector<std::string> begun_commands() const;

  /// What is remembered of consumables.
  std::vector<SupplyRow> supplies() const;
  /// Writes these rows in one commit; what the disk does not take is written with a later `flush`.
  void save_supplies(const std::vector<SupplyRow>& rows);

  /// The announced end: SHUTDOWN and the mark of a clean stop in one commit.
  void close_run(const Seen& seen);
  /// Notes that the run is alive, for the record of the next start.
  void touch(const Seen& seen);

  /// Events and gaps after (`epoch`, `after`), without a hole. Nothing when there is none, or the
  /// first counted item does not fit the credit.
  std::optional<pb::Batch> batch_after(std::uint64_t epoch, std::uint64_t after,
                                       const Budget& budget);
  /// All numbers up to `upto` are the collector's now.
  void acknowledge(std::uint64_t epoch, std::uint64_t upto);
  /// The collector knows only up to `upto`: what follows waits again.
  void rewind(std::uint64_t epoch, std::uint64_t upto);
  void set_clock_offset(std::uint64_t epoch, std::int64_t offset_us);

  /// Drops acknowledged rows past their age or share, a bounded number at a time.
  void prune(const Seen& now);

  OutboxView view();
  OutboxStats stats();
  /// The last `count` rows kept, gaps included, newest first, each with its epoch.
  std::vector<std::pair<std::uint64_t, Record>> newest(std::size_t count);
  std::uint64_t epoch() const { return epochs_.back().epoch; }

 private:
  struct EpochRow {
    std::int64_t ordinal = 0;
    std::uint64_t epoch = 0;
    std::string boot_id;
    std::uint64_t acked = 0;
    std::uint64_t last = 0;
    std::optional<std::int64_t> offset;
    bool dirty = false;  ///< `acked` is ahead of the file
  };
  using Pending = Record;  ///< ordinal and seq are set when it is written
  struct Unsaved {
    wire::Status status;
    Seen seen;
    bool proven = false;
    std::string_view why;  ///< it was not written
  };

  struct CommandRow {
    std::int64_t begun_wall_us = 0;
    bool done = false;
  };
  struct UnsavedResult {
    pb::CommandResult result;
    Seen seen;
  };

  void load();
  void load_again();
  void begin_epoch(std::string boot_id, std::uint64_t epoch);
  void name_epoch(const EpochRow& epoch);
  void correct_epoch(EpochRow& epoch);
  void delete_epoch(std::int64_t ordinal);
  void drop_excess_epochs();
  void tell_notes();
  Seen now() const { return {clock_.mono(), clock_.wall()}; }
  EpochRow& current() { return epochs_.back(); }
  EpochRow* find(std::uint64_t epoch);
  std::vector<Retention::Epoch> prunable() const;
  std::optional<Seen> last_seen_in(std::int64_t ordinal);
  std::vector<std::int64_t> kept_from(const Seen& now);

  /// What is written in the same commit as the events.
  struct Beside {
    const DeviceView* device = nullptr;
    const std::string* done_command = nullptr;
    std::int64_t done_wall_us = 0;
    const Telling* telling = nullptr;
    std::int64_t told_wall_us = 0;
  };
  bool commit(std::vector<Pending>& entries, const Beside& beside);
  int try_commit(std::vector<Pending>& entries, const Beside& beside);
  bool room_for(std::int64_t bytes, bool reserved);
  void mend(int code, std::int64_t bytes);
  /// `why`: the reason of the gap.
  void owe(const std::vector<Pending>& entries, std::string_view why);
  /// The last number given, of those too that are owed.
  std::uint64_t numbered() const {
    return owed_.empty() ? epochs_.back().last : owed_.back().end() - 1;
  }
  std::string_view why_unwritten() const { return failing_ ? "not-written" : "ceiling"; }
  void say_failed(const char* event, const Error& why);
  void merge_owed(Record& gap);
  void write_device(const DeviceView& device);
  void write_epoch(const EpochRow& epoch);
  void write_command(const std::string& id, const CommandRow& row);
  bool make_command_room();
  void load_commands();
  void prune_commands(WallTime now);
  void load_supplies();
  void write_supply(const std::pair<std::string, std::string>& key, const std::string& body);
  void write_unsaved_supplies();
  void retain_supplies(const std::vector<std::string>& configured);
  void retry_results();
  void write_telling(const Telling& telling, std::int64_t wall_us);
  void prune_told(WallTime now);
  void retain_results(const std::vector<std::string>& configured);
  void put_meta(std::string_view key, std::string_view value);
  void settle_writes();
  void recover();
  void forget_epochs();
  void keep_reserve() const;
  std::uint64_t first_kept(const EpochRow& epoch);
  std::optional<pb::Batch> read_batch(const EpochRow& epoch, std::uint64_t after,
                                      const Budget& budget);

  Options options_;
  const Clock& clock_;
  OutboxFile file_;
  std::unique_ptr<Retention> retention_;
  std::vector<EpochRow> epochs_;
  std::map<std::string, DeviceView, std::less<>> devices_;
  std::vector<Pending> held_;
  std::map<std::string, Unsaved, std::less<>> unsaved_;
  std::map<std::string, CommandRow, std::less<>> commands_;
  std::vector<UnsavedResult> unsaved_results_;
  std::map<std::pair<std::string, std::string>, std::string> supplies_;  ///< by device and type
  std::set<std::pair<std::string, std::string>> unsaved_supplies_;
  std::optional<Seen> contact_;  ///< last in this run: when, and the collector's time then
  bool failing_ = false;         ///< the last write did not reach the disk
  std::optional<std::pair<std::string, MonoTime>> said_failed_;
  std::vector<Record> owed_;  ///< gaps for events that could not be written, in order
  std::optional<LastRun> last_run_;
  std::vector<FileNote> notes_;  ///< to be told as events
  std::function<void(const Appended&)> told_;
};

}  // namespace kw::agent
