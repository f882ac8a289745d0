#pragma once

#include "common/i18n.hpp"

namespace kw::devices::messages {

inline constexpr Text program{"kiosk-devices：模拟真实外设，供测试和演示使用",
                              "kiosk-devices: plays real peripherals for tests and demonstrations"};
inline constexpr Text run{"按场景文件扮演外设，直到收到 SIGINT 或 SIGTERM",
                          "play the devices of a scenario until SIGINT or SIGTERM"};
inline constexpr Text scenario{"场景文件（TOML）", "scenario file (TOML)"};
inline constexpr Text control{"控制套接字的路径（unix 域）",
                              "path of the control socket (unix domain)"};
inline constexpr Text set{"切换正在运行的外设的一个状况", "switch a condition of a running device"};
inline constexpr Text device{"场景中的设备名", "name of the device in the scenario"};
inline constexpr Text condition{"状况，例如 media-empty", "condition, media-empty for instance"};
inline constexpr Text on_or_off{"on 或 off", "on or off"};
inline constexpr Text kiosks{"同时扮演多少台终端（场景中的 {kiosk} 为其编号）",
                             "how many kiosks to play at once ({kiosk} in the scenario: which)"};
inline constexpr Text stagger{"每台终端的时间线比前一台晚多少毫秒",
                              "how much later each kiosk's steps begin, in milliseconds"};
inline constexpr Text asked{"每当设备在静默一秒后被询问，输出一行",
                            "print a line whenever a device is asked after a second of quiet"};
inline constexpr Text list{"列出所有协议及其设置和状况",
                           "list every protocol with its settings and conditions"};
inline constexpr Text json{"输出一个 JSON 对象", "as one JSON object"};
inline constexpr Text markdown{"输出双语表格（PROTOCOLS.md）",
                               "as tables in both languages (PROTOCOLS.md)"};
inline constexpr Text conditions{"状况：", "conditions: "};
inline constexpr Text any_device{"任何设备", "any device"};
inline constexpr Text nobody_listens{"连接不上控制套接字：", "cannot reach the control socket: "};
inline constexpr Text offended{"收到不得发送给该设备的命令：",
                               "a device was sent what must never be sent to it: "};
inline constexpr Text no_answer{"控制套接字没有应答：", "no answer on the control socket: "};

}  // namespace kw::devices::messages
