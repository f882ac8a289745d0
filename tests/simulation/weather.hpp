#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "tests/simulation/centre.hpp"

namespace kw::simulation {

/// Everything that happens to kiosks, collector and network in one seed, and what the devices do.
/// Each seed has some kinds of trouble and not others, so that rare meetings of two are tried too.
class Weather {
 public:
  Weather(Stage& stage, Centre& centre, std::vector<std::unique_ptr<Kiosk>>& kiosks,
          std::uint64_t seed, int days, bool trace);

  /// The outbox ceiling of a kiosk that is still to be made.
  std::int64_t ceiling_for(int kiosk);
  void begin();
  /// No more trouble; everything that was broken is healed.
  void end();

 private:
  /// Lets `what` happen again and again, with `mean` between two times, until the end.
  void every(std::string_view name, Duration mean, std::function<void()> what);
  void next(std::string_view name, Duration mean, std::function<void()> what);
  void trouble(double share, std::string_view name, Duration mean, std::function<void()> what);
  void kiosk_life(std::size_t which);
  void kiosk_trouble(std::size_t which);
  void collector_trouble();
  void flurry(Kiosk& kiosk);
  void say(std::string_view what) const;

  Stage& stage_;
  Centre& centre_;
  std::vector<std::unique_ptr<Kiosk>>& kiosks_;
  Rng rng_;
  Duration until_;
  bool trace_;
  bool over_ = false;
  bool slow_ = false;  ///< a long seed: fewer things an hour
  std::vector<bool> partitioned_;
};

}  // namespace kw::simulation
