#include "tests/fleet/profile.hpp"

#include <algorithm>
#include <array>

namespace kw::fleet {
namespace {

const std::array rows{
    Profile{.name = "idle",
            .text = {"空闲：心跳，偶有状态变化", "heartbeats, and a change of state now and then"},
            .changes_per_hour = 2},
    Profile{.name = "morning",
            .text = {"早晨开机：依次启动，上报全部设备，开始办理业务",
                     "all are switched on, tell all devices, and business begins"},
            .changes_per_hour = 12,
            .transactions_per_hour = 60,
            .boots = true},
    Profile{.name = "outage",
            .text = {"断网与恢复：中间三分之一时间无网络，事件照常产生",
                     "no network in the middle third while events go on, then all come back"},
            .changes_per_hour = 60,
            .transactions_per_hour = 60,
            .outage = true},
    Profile{.name = "storm",
            .text = {"告警风暴：每台每秒一次状态变化",
                     "every kiosk changes a device's state each second"},
            .changes_per_hour = 3'600},
    Profile{
        .name = "flood",
        .text = {"洪峰：每台持续有 200 条待确认的采样，以采集端所能承受的速度发送",
                 "each kiosk always has 200 samples waiting: as fast as the collector takes them"},
        .backlog = 200},
};

}  // namespace

std::span<const Profile> profiles() { return rows; }

const Profile* find_profile(std::string_view name) {
  const auto it = std::ranges::find_if(rows, [&](const Profile& p) { return p.name == name; });
  return it == rows.end() ? nullptr : &*it;
}

}  // namespace kw::fleet
