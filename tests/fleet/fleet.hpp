#pragma once

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "tests/fleet/kiosk.hpp"
#include "tests/fleet/ledger.hpp"
#include "tests/fleet/profile.hpp"
#include "tests/fleet/roster.hpp"
#include "tests/fleet/tally.hpp"

namespace kw::fleet {

/// Many kiosks on one thread that live through a profile.
class Fleet {
 public:
  struct Options {
    std::vector<link::Endpoint> collectors;  ///< kiosk i dials number i modulo their count
    Profile profile;
    Duration lasts{};
    Duration ramp{};   ///< over which the first dials are spread
    Duration drain{};  ///< after `lasts`: for what is not acknowledged
    agent::Session::Options session;
    agent::Backoff::Options backoff;
    std::uint64_t seed = 1;
    double rate = 1;  ///< times the profile's own
  };

  static Result<std::unique_ptr<Fleet>> make(const Options& options, const Roster& roster,
                                             const Clock& clock);

  /// Until the profile is over and all is acknowledged, or time is up. `told` every 5 s.
  void run(const std::function<void(const Tally&)>& told);

  const Tally& tally() const { return tally_; }
  Ledger ledger() const;
  std::uint64_t unacknowledged() const;

 private:
  Fleet(const Options& options, const Clock& clock);

  Task<void> live();
  Task<void> report(std::function<void(const Tally&)> told);
  Task<void> finish();
  Task<void> serve(Kiosk& kiosk, Duration delay);
  void begin_day();
  void write_due(double& owed, double per_hour, Duration since, bool changes);
  void top_up();
  Kiosk& any() { return *kiosks_[random_() % kiosks_.size()]; }

  Options options_;
  const Clock& clock_;
  asio::io_context io_{1};
  asio::steady_timer reports_;  ///< cancelled at the end
  Tally tally_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Kiosk>> kiosks_;
  std::vector<std::uint32_t> ill_;  ///< a bit for each device of each kiosk
  std::uint64_t transactions_ = 0;
  std::size_t serving_ = 0;
};

}  // namespace kw::fleet
