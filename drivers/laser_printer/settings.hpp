#pragma once

#include "drivers/laser_printer/supplies.hpp"
#include "drivers/settings.hpp"

namespace kw::drivers::laser {

// Settings of every laser printer's driver.
inline constexpr Setting toner_warning_percent{
    "toner_warning_percent",
    SettingType::integer,
    "0",
    {"墨粉预警值（%）；0 表示采用打印机自己的预警值",
     "warning level of toner in percent; 0: the printer's own, where it gives one"},
    0,
    100};
inline constexpr Setting paper_warning_sheets{
    "paper_warning_sheets",
    SettingType::integer,
    "0",
    {"纸张预警值（张）；0 表示仅采用打印机的提示",
     "warning level of paper in sheets; 0: only what the printer flags"},
    0,
    10000};

inline Limits limits_of(const Settings& settings) {
  return {.toner_percent = static_cast<double>(settings.integer(toner_warning_percent.name)),
          .paper_sheets = static_cast<double>(settings.integer(paper_warning_sheets.name))};
}

}  // namespace kw::drivers::laser
