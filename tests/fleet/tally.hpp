#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/clock.hpp"
#include "tests/fleet/histogram.hpp"

namespace kw::fleet {

/// What a fleet did and what became of it. io thread only.
struct Tally {
  std::uint64_t written = 0;       ///< events
  std::uint64_t acknowledged = 0;  ///< of them
  std::uint64_t forgotten = 0;     ///< sessions in which the collector asked for what it had
                                   ///< acknowledged: a store that is older than its word
  std::uint64_t connected = 0;     ///< now
  std::uint64_t connected_most = 0;
  std::uint64_t sessions = 0;                ///< that got as far as Welcome
  std::uint64_t lost = 0;                    ///< sessions that ended without our wish
  std::uint64_t put_off = 0;                 ///< times that the collector said "later"
  std::uint64_t failed = 0;                  ///< dials that gave no session, put off or not
  std::map<std::string, std::uint64_t> why;  ///< dials failed and sessions lost, by reason
  Histogram dial;                            ///< from connect to Welcome
  Histogram ack;                             ///< from written to acknowledged, waiting included
  Histogram back;                            ///< from a session's loss to the next one
};

}  // namespace kw::fleet
