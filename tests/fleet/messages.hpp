#pragma once

#include "common/i18n.hpp"

/// What kiosk-fleet says to people.
namespace kw::fleet::messages {

inline constexpr Text about{
    "以真实协议模拟成百上千台终端，用于容量规划与试验",
    "plays hundreds or thousands of kiosks by the real protocol: for capacity planning and tests"};
inline constexpr Text enlist{"在采集端数据目录中登记若干终端（采集端须已停止）",
                             "enters kiosks in a collector's data folder (it must be stopped)"};
inline constexpr Text run{
    "让名册中的终端按一种情形运行，最后输出一行 JSON",
    "lets a roster's kiosks live through a profile; prints a line of JSON last"};
inline constexpr Text check{"核对终端所记与采集端所存",
                            "holds what the kiosks wrote against what is stored"};
inline constexpr Text list{"列出各种情形", "lists the profiles"};
inline constexpr Text collector_folder{"采集端的数据目录", "the collector's data folder"};
inline constexpr Text roster{"名册文件（含私钥，仅本人可读）",
                             "the roster's file (has private keys; readable by its owner alone)"};
inline constexpr Text kiosks{"终端数量", "how many kiosks"};
inline constexpr Text prefix{"终端编号前缀", "what the terminal codes begin with"};
inline constexpr Text collectors{"采集端地址 host:port，可多个；终端轮流分配",
                                 "collector's host:port; several are given out in turn"};
inline constexpr Text profile{"情形", "profile"};
inline constexpr Text seconds{"运行秒数", "how long it goes on, in seconds"};
inline constexpr Text ramp{"首次连接分散在多少秒内",
                           "over how many seconds the first dials are spread"};
inline constexpr Text drain{"结束后等待确认的秒数上限",
                            "how long, in seconds, acknowledgements are awaited afterwards"};
inline constexpr Text spread{"断开后重连分散在多少秒内",
                             "over how many seconds lost kiosks come back"};
inline constexpr Text heartbeat{"心跳间隔（秒）", "heartbeat, in seconds"};
inline constexpr Text rate{"事件速率的倍数", "times the profile's own rate of events"};
inline constexpr Text seed{"随机种子", "seed of all chance"};
inline constexpr Text ledger{"把各终端所写记入此文件，供 check 使用",
                             "notes in this file what each kiosk wrote, for check"};
inline constexpr Text silence_expected{"允许出现 terminal-silent 故障",
                                       "terminal-silent faults are no mistake"};
inline constexpr Text no_profile{"没有这种情形：{}；可选：{}", "no profile {}; there are: {}"};
inline constexpr Text too_few{"名册中没有终端：{}", "the roster has no kiosk: {}"};
inline constexpr Text enlisted{"已登记 {} 台，名册：{}", "entered {} kiosks; roster: {}"};
inline constexpr Text progress{
    "已连接 {}，会话 {}，已写 {}，已确认 {}，推迟 {}，失败 {}",
    "connected {}, sessions {}, written {}, acknowledged {}, put off {}, failed {}"};

}  // namespace kw::fleet::messages
