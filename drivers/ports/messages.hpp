#pragma once

#include "common/i18n.hpp"

// What is wrong with a port as it is written; {} is filled in by fmt.
namespace kw::drivers::message {

inline constexpr Text wrong_port{"端口 \"{}\"：{}；示例：{}", "port \"{}\": {}; example: {}"};
inline constexpr Text no_scheme{"冒号前没有端口类型", "no scheme before a colon"};
inline constexpr Text unknown_scheme{"没有 \"{}\" 这种端口（可用：{}）",
                                     "unknown scheme \"{}\" (known: {})"};
inline constexpr Text no_ipps{"不支持加密的 IPP；请用 ipp",
                              "IPP over TLS is not supported; use ipp"};
inline constexpr Text no_user{"这里不支持用户名和密码", "user and password are not supported here"};
inline constexpr Text no_slashes{"缺少 \"//\"", "\"//\" is missing"};
inline constexpr Text no_slashes_after{"{}: 之后缺少 \"//\"", "\"//\" is missing after {}:"};
inline constexpr Text no_host{"缺少主机", "the host is missing"};
inline constexpr Text no_number{"缺少端口号", "the port number is missing"};
inline constexpr Text bad_number{"\"{}\" 不是 1 至 65535 的端口号",
                                 "\"{}\" is not a port number from 1 to 65535"};
inline constexpr Text bare_ipv6{"IPv6 地址要写在方括号中", "an IPv6 address stands in brackets"};
inline constexpr Text no_options{"{} 没有选项", "{} has no options"};
inline constexpr Text no_assignment{"选项 \"{}\" 不是 名称=值", "option \"{}\" is not NAME=VALUE"};
inline constexpr Text twice{"选项 \"{}\" 出现两次", "option \"{}\" is given twice"};
inline constexpr Text unknown_option{"没有选项 \"{}\"（可用：{}）",
                                     "unknown option \"{}\" (known: {})"};
inline constexpr Text not_one_of{"{} = \"{}\" 不是 {} 之一", "{} = \"{}\" is not one of {}"};
inline constexpr Text is_empty{"{} 为空", "{} is empty"};
inline constexpr Text not_a_path{"串口用设备路径表示", "a serial port is named by its device path"};
inline constexpr Text not_ascii{"只能用可打印的 ASCII 字符，不含空格",
                                "only printable ASCII without spaces"};
inline constexpr Text ups_in_path{"哪一台 UPS 由驱动的设置 ups 指定",
                                  "which UPS is the driver's setting ups"};
inline constexpr Text reader_name{"读卡器名称是一行，至多 127 字节",
                                  "a reader's name is one line of 127 bytes at most"};

inline constexpr Text no_scheme_example{"{}、{} 或 -", "{}, {} or -"};
inline constexpr Text modbus_example{"modbus+tcp://192.0.2.10 或 modbus+rtu:/dev/ttyS1?baud=9600",
                                     "modbus+tcp://192.0.2.10 or modbus+rtu:/dev/ttyS1?baud=9600"};
inline constexpr Text pcsc_example{"pcsc:Gemalto PC Twin Reader；只有一台时 pcsc:",
                                   "pcsc:Gemalto PC Twin Reader, or pcsc: for the only one"};

inline constexpr Text usb_numbers{"USB 设备用两个十六进制数 VID:PID 表示",
                                  "a USB device is named by two hexadecimal numbers, VID:PID"};
inline constexpr Text not_a_byte{"{} = \"{}\" 不是 255 以内的数",
                                 "{} = \"{}\" is not a number up to 255"};
inline constexpr Text not_an_endpoint{"{} = \"{}\" 不是这样的端点（{} 至 {}）",
                                      "{} = \"{}\" is not such an endpoint ({} to {})"};

inline constexpr Text no_snmp_v3{
    "本程序构建时未包含 SNMPv3：请换用以 KW_WITH_NETSNMP 构建的程序，或改用 version=2c",
    "this program was built without SNMPv3: take one built with KW_WITH_NETSNMP, or version=2c"};
inline constexpr Text unknown_v3_option{"没有选项 \"{}\"（version=3、level={} 时可用：{}）",
                                        "unknown option \"{}\" (known with version=3 and "
                                        "level={}: {})"};
inline constexpr Text bad_community{"community 是 1 至 255 个可打印的 ASCII 字符",
                                    "community is 1 to 255 printable ASCII characters"};
inline constexpr Text no_md5{"不提供 auth = MD5：它已被攻破，支持 SNMPv3 的设备也支持 SHA",
                             "auth = MD5 is not offered: it is broken, and what speaks SNMPv3 "
                             "knows SHA too"};
inline constexpr Text no_secrets{"缺少 secrets：存放口令的文件",
                                 "secrets is missing: the file that the passphrases are in"};
inline constexpr Text secrets_path{"secrets 是文件的完整路径",
                                   "secrets is the whole path of a file"};
inline constexpr Text bad_user{"缺少 user，或不是 1 至 32 个可打印的 ASCII 字符",
                               "user is missing, or not 1 to 32 printable ASCII characters"};
inline constexpr Text bad_context{"context 至多 32 个可打印的 ASCII 字符",
                                  "context is up to 32 printable ASCII characters"};

}  // namespace kw::drivers::message
