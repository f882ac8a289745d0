#pragma once

#include <optional>
#include <string>

#include "common/clock.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::agent {

/// What the run before this one left behind in the outbox.
struct LastRun {
  std::string boot_id;
  bool clean = false;                  ///< it announced its end
  std::int64_t last_seen_wall_us = 0;  ///< 0 unknown
  /// By the clock that counts from that boot.
  std::optional<MonoTime> last_seen = {};
};

/// The record of this start (clause 9.5 c): the first one in a boot is BOOT, a later one
/// AGENT_START; unexpected when the run before ended without a word.
inline pb::Power power_at_start(const std::optional<LastRun>& before, const std::string& boot_id) {
  pb::Power out;
  out.set_boot_id(boot_id);
  const bool same_boot = before && before->boot_id == boot_id;
  out.set_kind(same_boot ? pb::Power::AGENT_START : pb::Power::BOOT);
  out.set_unexpected(before && !before->clean);
  out.set_last_seen_wall_us(before ? before->last_seen_wall_us : 0);
  return out;
}

}  // namespace kw::agent
