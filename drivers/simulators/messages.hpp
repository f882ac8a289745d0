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
inline constexpr Text nobody_listens{"连接不上控制套接字：", "cannot reach the control socket: "};
inline constexpr Text offended{"收到不得发送给该设备的命令：",
                               "a device was sent what must never be sent to it: "};
inline constexpr Text no_answer{"控制套接字没有应答：", "no answer on the control socket: "};

}  // namespace kw::devices::messages
