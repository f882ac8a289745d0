#pragma once

#include <chrono>
#include <string>

#include "collector/model/view.hpp"
#include "collector/stats/figure.hpp"

namespace kw::collector::stats {

/// 故障报警数 (clause 9.5 e).
inline constexpr Figure faults_by_code_and_day{
    .id = "faults_by_code_and_day",
    .name = {"故障报警数", "faults opened"},
    .definition =
        {"按开始成立的当地日期与故障代码统计的故障数；5 "
         "分钟内再次成立的并入前一次；事后从历史得知的计入当日并另列",
         "faults by code and by the local day on which they had lasted as long as their rule "
         "asks; one that opens again within 5 minutes joins the one before; those learned late "
         "from history "
         "count on their day and are also shown apart"},
    .query = "fault_days",
};

/// A fault that opens again so soon after it ended is the same one to the statistics (spec, 7).
inline constexpr auto joins_within = std::chrono::minutes{5};

/// What one fault adds to the roll-up; `utc_offset` cuts the local days.
FaultCounted counted(const Fault& fault, std::chrono::minutes utc_offset);

/// The local day of `at`, cut by a fixed offset: "2026-11-22".
std::string local_day(WallTime at, std::chrono::minutes utc_offset);

}  // namespace kw::collector::stats
