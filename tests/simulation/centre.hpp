#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/accounts/authority_files.hpp"
#include "collector/store/store.hpp"
#include "tests/simulation/kiosk.hpp"

namespace kw::simulation {

/// What of the collector is told to break its promises, to see whether that is noticed.
struct Sabotage {
  bool ack_before_commit = false;  ///< its storage forgets the last commits at a crash
  bool swallow_block = false;      ///< now and then a block is not stored
  bool apply_twice = false;        ///< now and then a block is stored twice
};

/// The collector: store, writer and gateway as they are, driven by hand.
class Centre {
 public:
  Centre(Stage& stage, const collector::AuthorityFiles& authority, std::uint64_t seed, int kiosks,
         Sabotage sabotage);
  ~Centre();

  void start();
  void crash(Loss loss, Duration off_for);
  void crash_in_write(std::uint64_t operations, Duration off_for);
  /// Everybody is sent away politely, then it is started anew.
  void drain(Duration off_for);
  void disk_full(bool full);

  void keep_copy();
  bool has_copy() const { return copied_at_.has_value(); }
  Duration copied_at() const { return *copied_at_; }
  void put_copy_back(Duration off_for);

  /// High-water marks of a kiosk's epochs as stored; empty while it is down.
  std::map<std::uint64_t, std::uint64_t> marks(int kiosk);

  bool running() const { return process_ != nullptr; }
  bool work();
  Duration due() const;
  std::uint64_t refused_writes() const { return refused_; }
  /// The database at rest, for the checks at the end.
  std::filesystem::path database() const;

  void rest();
  bool at_rest() const { return process_ == nullptr && ended_.empty(); }

 private:
  struct Process;
  void end(bool spoken);
  void next_life(const std::filesystem::path& from);
  void start_later(Duration pause);
  void reap();
  void check_marks(collector::Store& store);
  void look_at_orders(Process& process);
  void sabotage(const std::filesystem::path& file) const;
  std::filesystem::path life_folder() const;

  Stage& stage_;
  const collector::AuthorityFiles& authority_;
  Rng rng_;
  MachineClock clock_;
  int kiosks_;
  Sabotage sabotage_;
  int lives_ = 0;
  std::shared_ptr<Process> process_;
  std::vector<std::shared_ptr<Process>> ended_;
  bool disk_full_ = false;
  bool resting_ = false;
  bool starting_ = false;
  std::optional<Duration> copied_at_;
  std::uint64_t refused_ = 0;
};

}  // namespace kw::simulation
