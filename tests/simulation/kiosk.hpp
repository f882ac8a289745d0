#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/debounce/debounce.hpp"
#include "agent/outbox/journal.hpp"
#include "agent/uplink/uplink.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/network.hpp"

namespace kw::simulation {

/// What the parts of one seed share.
struct Stage {
  Time& time;
  Network& network;
  Ledger& ledger;
  Counters& counters;
  std::filesystem::path folder;    ///< of this seed
  std::filesystem::path identity;  ///< enrolment's files, the same for every kiosk
  WallTime origin;                 ///< the true time when the seed begins
  Duration heartbeat;
};

/// One kiosk: a machine with devices, and on it the agent's outbox, journal and uplink, as they
/// are. Its process may end anywhere and is started again from what its disk holds.
class Kiosk {
 public:
  Kiosk(Stage& stage, int number, std::uint64_t seed, std::int64_t ceiling);
  ~Kiosk();

  /// The agent is started, and is again after each end, until `rest`.
  void start();
  /// The process ends now; the machine with it when the power is lost.
  void crash(Loss loss, Duration off_for);
  /// It ends in the middle of one of its next writes.
  void crash_in_write(std::uint64_t operations, Duration off_for);
  /// The service is stopped: announced, everything written.
  void stop(Duration off_for);

  void keep_copy();
  bool has_copy() const { return copied_at_.has_value(); }
  Duration copied_at() const { return *copied_at_; }
  /// The machine is switched off and comes back with the older copy of its outbox. `stored`: what
  /// the collector has.
  void put_copy_back(std::map<std::uint64_t, std::uint64_t> stored, Duration off_for);

  void disk_full(bool full);
  void set_clock(Duration wrong_by) { clock_.wrong_by = wrong_by; }
  void jump_clock(Duration by) { clock_.wrong_by += by; }
  bool contacted() const { return contacted_; }

  /// A device has a fault, or has it no more. `code` empty: it is well.
  void device(std::size_t which, const std::string& code);
  void samples(int count);
  void note();

  bool running() const { return life_ != nullptr; }
  bool drained() const;
  std::uint64_t refused_writes() const { return refused_; }
  std::int64_t outbox_bytes() const;
  const std::string& code() const { return code_; }
  /// What the devices say now, as the outbox has it.
  std::vector<agent::DeviceView> devices_now();
  /// Why the agent is not drained, for the trace.
  std::string state() const;

  /// The seed is over: ends the process for good.
  void rest();
  /// Nothing of ended processes is left.
  bool at_rest() const { return life_ == nullptr && ended_.empty(); }

  static constexpr std::size_t devices = 3;
  /// Restarts with the epoch of the run before (sabotage).
  bool reuses_epoch = false;
  /// Its storage goes back to an older copy at a crash, and nobody is told (sabotage).
  bool forgets = false;

 private:
  struct Life;
  struct Device {
    std::string name;
    std::string code;
    int episode = 0;
    agent::Debounce debounce{std::chrono::seconds{1}};
  };

  void begin(std::shared_ptr<Life> life);
  void appended(const std::shared_ptr<Life>& life, const agent::Appended& what);
  void end(bool spoken);
  void start_later(Duration pause);
  void look(std::size_t which);
  void keep_house(const std::shared_ptr<Life>& life);
  void reap();
  std::filesystem::path life_folder() const;
  wire::Status status_of(const Device& device) const;

  Stage& stage_;
  int number_;
  std::string code_;
  Rng rng_;
  MachineClock clock_;
  std::int64_t ceiling_;
  int lives_ = 0;
  std::uint64_t boots_ = 1;
  std::uint64_t epoch_ = 0;
  std::shared_ptr<Life> life_;
  std::vector<std::shared_ptr<Life>> ended_;
  std::vector<Device> devices_;
  bool disk_full_ = false;
  bool was_durable_ = true;
  bool contacted_ = false;
  bool resting_ = false;
  bool starting_ = false;
  std::optional<Duration> copied_at_;
  std::optional<std::map<std::uint64_t, std::uint64_t>> replaced_;
  std::uint64_t refused_ = 0;
  std::uint64_t told_ = 0;
};

}  // namespace kw::simulation
