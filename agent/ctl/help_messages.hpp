#pragma once

#include "common/i18n.hpp"

// The options in `kioskctl --help`; the commands are in messages.hpp.
namespace kw::agent::ctl::message {

inline constexpr Text help_help{"显示用法", "show this help"};
inline constexpr Text help_version{"显示版本", "show the version"};
inline constexpr Text help_data{"kiosk-agent 的数据目录", "kiosk-agent's data folder"};
inline constexpr Text help_config{"本机的 agent.toml（默认用运行中的 kiosk-agent 所用的文件）",
                                  "this kiosk's agent.toml; else the one the running agent uses"};
inline constexpr Text help_json{"输出 JSON，供程序使用", "print JSON, for programs"};
inline constexpr Text help_lang{"界面语言", "the language of all texts"};
inline constexpr Text help_limit{"每一步的时限（毫秒）", "time limit of each step, in ms"};
inline constexpr Text help_output{"写入此文件（默认在当前目录）",
                                  "write this file; else one in the current folder"};
inline constexpr Text help_count{"显示多少条", "how many"};
inline constexpr Text help_of_device{"只看此设备", "of this device only"};
inline constexpr Text help_samples{"也显示测量值", "measurements too"};
inline constexpr Text help_follow{"持续显示新事件", "go on with new ones"};
inline constexpr Text help_test_device{"设备名称，见 kioskctl devices",
                                       "its name, as kioskctl devices lists it"};
inline constexpr Text help_one_device{"只看此设备，包括耗材余量",
                                      "only this one, with its consumables"};
inline constexpr Text help_type{"耗材类型，如 receipt_paper；只有一种时可省略",
                                "which consumable, such as receipt_paper; not needed when there is "
                                "one"};
inline constexpr Text help_amount{"装好后有多少，按该耗材的单位；不写即装满",
                                  "how much there is now, in its unit; else it is full"};
inline constexpr Text help_capacity{"装满时有多少（换了不同规格时指明）",
                                    "how much a full one holds, when it is another than before"};
inline constexpr Text help_test_name{
    "测试项，见 kioskctl drivers --json；只有一项时可省略",
    "which test, as kioskctl drivers --json lists them; not needed "
    "when there is one"};
inline constexpr Text help_probe_driver{"驱动名称，见 kioskctl drivers",
                                        "the driver, as kioskctl drivers lists it"};
inline constexpr Text help_probe_port{"端口，写法同 agent.toml", "the port, as in agent.toml"};
inline constexpr Text help_discover_host{"也查看网络上的这些主机",
                                         "also look at these hosts of the network"};
inline constexpr Text help_discover_probe{
    "依次用各协议询问串口上的设备（默认只列出）",
    "ask what hangs on serial ports, in one protocol after the other; else they are only listed"};
inline constexpr Text help_set{"驱动的设置，可重复", "a setting of the driver; may be repeated"};
inline constexpr Text help_deadline{
    "每一步等待设备应答的时限（毫秒）；默认首次应答 1000，查询 2000，应答慢的设备可设得更长",
    "how long the device may take at each step, in ms; 1000 for its first answer and 2000 for its "
    "status unless it is given: more for a slow one"};

}  // namespace kw::agent::ctl::message
