#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace kw::simulation {

/// What was tried and what was seen, summed over seeds. The names are those of the last line.
struct Counters {
  std::uint64_t seeds = 0;
  std::uint64_t days = 0;  ///< simulated
  std::uint64_t kiosks = 0;

  std::uint64_t partitions = 0;
  std::uint64_t cut_connections = 0;
  std::uint64_t frames_cut = 0;  ///< of them, in the middle of a frame
  std::uint64_t overtaken = 0;   ///< connections opened while an older one lingered
  std::uint64_t crashes = 0;     ///< processes killed, either side
  std::uint64_t crashes_in_write = 0;
  std::uint64_t power_losses = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t drains = 0;
  std::uint64_t clock_jumps = 0;
  std::uint64_t wrong_clocks = 0;   ///< years off before first contact
  std::uint64_t restores = 0;       ///< collector put back to an older copy
  std::uint64_t outbox_copies = 0;  ///< outbox put back to an older copy
  std::uint64_t full_disks = 0;
  std::uint64_t writes_refused = 0;
  std::uint64_t ceilings = 0;  ///< kiosks whose outbox had to drop

  std::uint64_t events = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t gaps = 0;
  std::uint64_t orders = 0;
  std::uint64_t resends = 0;

  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t unnamed_gaps = 0;
  std::uint64_t start_failures = 0;
  std::uint64_t other_violations = 0;

  using Row = std::pair<std::string_view, const std::uint64_t*>;
  /// Every kind of fault: none of them may be 0 in a long run.
  std::array<Row, 14> faults() const {
    return {{{"partitions", &partitions},
             {"cut_connections", &cut_connections},
             {"frames_cut", &frames_cut},
             {"overtaken", &overtaken},
             {"crashes", &crashes},
             {"crashes_in_write", &crashes_in_write},
             {"power_losses", &power_losses},
             {"reconnects", &reconnects},
             {"drains", &drains},
             {"clock_jumps", &clock_jumps},
             {"wrong_clocks", &wrong_clocks},
             {"restores", &restores},
             {"outbox_copies", &outbox_copies},
             {"full_disks", &full_disks}}};
  }
  /// One line of JSON.
  std::string json() const;
};

}  // namespace kw::simulation
