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
        {"按开始成立的当地日期与故障代码统计的故障数；事后从历史得知的计入当日并另列",
         "faults by code and by the local day on which they had lasted as long as their rule "
         "asks; those learned late from history count on their day and are also shown apart"},
    .query = "fault_days",
};

/// What one fault adds to the roll-up; `utc_offset` cuts the local days.
FaultCounted counted(const Fault& fault, std::chrono::minutes utc_offset);

/// The local day of `at`, cut by a fixed offset: "2026-11-22".
std::string local_day(WallTime at, std::chrono::minutes utc_offset);

}  // namespace kw::collector::stats
