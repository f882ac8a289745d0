#pragma once

#include "common/i18n.hpp"

// What agent.toml expected instead; {} is filled in by fmt.
namespace kw::agent::message {

inline constexpr Text one_of{"{} 之一", "one of {}"};
inline constexpr Text quoted_text{"文字，写在引号中", "text in quotes"};
inline constexpr Text language{"\"zh-CN\" 或 \"en\"", "\"zh-CN\" or \"en\""};
inline constexpr Text collectors{"至多 8 个 \"主机:端口\" 的数组",
                                 "array of at most 8 \"host:port\""};
inline constexpr Text of_a_colour{"；带颜色的：toner_black、toner_cyan …",
                                  "; of a colour: toner_black, toner_cyan …"};
inline constexpr Text another_type{"该设备其他耗材没有用过的类型",
                                   "a type that no other consumable of this device has"};
inline constexpr Text number_up_to{"不超过 {} = {:g} 的数", "number up to {} = {:g}"};
inline constexpr Text device_id{"1 至 64 个字符，仅 A-Z a-z 0-9 . _ -",
                                "1 to 64 of A-Z a-z 0-9 . _ -"};
inline constexpr Text another_name{"其他设备没有用过的名称", "a name that no other device has"};
inline constexpr Text devices_most{"一个 kiosk-agent 至多 64 个设备",
                                   "at most 64 devices in one agent"};
inline constexpr Text listen_wanted{"token_file 之外还需 \"127.0.0.1:端口\"",
                                    "\"127.0.0.1:PORT\" beside token_file"};
inline constexpr Text listen_loopback{
    "回环地址，写作 \"127.0.0.1:端口\"：数据助手只服务本机",
    "a loopback address as \"127.0.0.1:PORT\": the assistant serves this kiosk"};
inline constexpr Text whole_path{"文件的完整路径", "the whole path of a file"};
inline constexpr Text group_name{"用户组的名称", "the name of a group"};
inline constexpr Text origins{"至多 16 个 \"http://主机:端口\" 的数组，端口之后没有内容",
                              "array of at most 16 \"http://HOST:PORT\", nothing after the port"};

}  // namespace kw::agent::message
