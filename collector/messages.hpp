#pragma once

#include "common/i18n.hpp"

/// What kiosk-collector says to the person who runs it.
namespace kw::collector::messages {

inline constexpr Text about{"Kioskwatch 采集端：接收自助终端事件，自动派发工单",
                            "Kioskwatch collector: takes kiosks' events and raises work orders"};
inline constexpr Text data_help{"数据目录", "data folder"};
inline constexpr Text init_help{"建立数据目录、证书机构与数据库",
                                "make the data folder, the certificate authority and the database"};
inline constexpr Text name_help{
    "终端用来连接本机的主机名或地址（可多次给出）",
    "host name or address by which kiosks reach this machine (repeatable)"};
inline constexpr Text token_help{"注册令牌", "enrolment tokens"};
inline constexpr Text token_new_help{"为一台终端生成一次性注册令牌（72 小时有效）",
                                     "make a one-time enrolment token for a terminal (72 h)"};
inline constexpr Text terminal_help{"终端编号", "terminal code"};
inline constexpr Text run_help{"运行采集端", "run the collector"};
inline constexpr Text agents_help{"终端连接的地址:端口（双向 TLS）",
                                  "ADDRESS:PORT for kiosks (mutual TLS)"};
inline constexpr Text people_help{
    "接口与控制台的地址:端口（目前仅限本机回环地址）",
    "ADDRESS:PORT for API and console (loopback only until accounts come)"};
inline constexpr Text events_help{"逐行输出一台终端已入库的事件（JSON）",
                                  "print a terminal's stored events, one JSON object a line"};
inline constexpr Text log_format_help{"日志格式：text 或 json", "log format: text or json"};
inline constexpr Text initialised{"已建立：{}", "made: {}"};
inline constexpr Text ready{"采集端已就绪：终端 {}，接口 http://{}/",
                            "collector is ready: kiosks {}, API http://{}/"};
inline constexpr Text failed{"错误：{}", "error: {}"};

}  // namespace kw::collector::messages
