#pragma once

#include "collector/model/values.hpp"
#include "collector/stats/figure.hpp"

namespace kw::collector::stats {

/// 终端分布 (clause 9.5 d).
inline constexpr Figure terminals_by_state{
    .id = "terminals_by_state",
    .name = {"终端状态分布", "terminals by state"},
    .definition =
        {"此刻各状态的终端数：已关机 > 离线（90 秒无心跳）> 故障（至少一个未清除的设备故障）> "
         "在线，取先成立者",
         "terminals in each state now, the first that holds of: switched off (announced), offline "
         "(silent for 90 s), fault (at least one device fault not cleared), online"},
    .query = "figures",
};

/// The facts that a terminal's state follows from.
struct TerminalFacts {
  bool switched_off = false;
  bool connected = false;
  bool heard_lately = false;  ///< within 3 heartbeats of 30 s
  bool device_fault = false;
};

/// 终端状态, first that holds (spec, section 7).
TerminalState state_of(const TerminalFacts& facts);

}  // namespace kw::collector::stats
