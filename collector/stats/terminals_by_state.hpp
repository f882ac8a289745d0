#pragma once

#include "collector/model/values.hpp"
#include "collector/stats/figure.hpp"

namespace kw::collector::stats {

/// 终端分布 (clause 9.5 d).
inline constexpr Figure terminals_by_state{
    .id = "terminals_by_state",
    .name = {"终端状态分布", "terminals by state"},
    .definition =
        {"此刻各状态的终端数：维护 > 已关机（事先告知）> 离线（90 秒无心跳）> "
         "故障（至少一个未清除的故障）> 在线，取先成立者",
         "terminals in each state now, the first that holds of: maintenance, switched off "
         "(announced), offline (silent for 90 s), fault (at least one fault not cleared), online"},
    .query = "figures",
};

/// How long a terminal may say nothing before it is offline: 3 heartbeats of 30 s. Counted by the
/// collector's clock while the collector listened; its own absence is nobody's silence.
inline constexpr auto offline_after = std::chrono::seconds{90};

/// The facts that a terminal's state follows from.
struct TerminalFacts {
  bool maintenance = false;
  bool switched_off = false;  ///< announced
  bool silent = false;        ///< for longer than `offline_after`, or never heard
  bool open_fault = false;    ///< at least one; what is disabled has none
};

/// 终端状态, first that holds (spec, section 7).
TerminalState state_of(const TerminalFacts& facts);

}  // namespace kw::collector::stats
