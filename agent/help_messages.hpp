#pragma once

#include "common/i18n.hpp"

// `kiosk-agent --help`.
namespace kw::agent::message {

inline constexpr Text help_app{"Kioskwatch 代理：监测本机设备", "Kioskwatch agent"};
inline constexpr Text help_help{"显示用法", "show this help"};
inline constexpr Text help_version{"显示版本", "show the version"};
inline constexpr Text help_log_format{"日志格式", "form of the log"};
inline constexpr Text help_log_level{"日志级别", "what is logged"};
inline constexpr Text help_lang{"界面语言", "the language of all texts"};
inline constexpr Text help_data{"数据目录", "data folder"};
inline constexpr Text help_json{"输出一个 JSON 对象", "print one JSON object"};
inline constexpr Text help_run{"监测本机设备", "watch the devices of this kiosk"};
inline constexpr Text help_config{"配置文件 agent.toml", "agent.toml"};
inline constexpr Text help_enroll{"向采集服务器注册，取得证书",
                                  "get a certificate from the collector"};
inline constexpr Text help_server{"采集服务器：https://主机:端口", "https://HOST:PORT"};
inline constexpr Text help_token{"一次性注册令牌", "one-time token"};
inline constexpr Text help_ca{
    "没有令牌时：采集服务器 CA 的 PEM 文件；由管理员准入",
    "without a token: PEM file of the collector's CA; an administrator approves"};
inline constexpr Text help_ca_sha256{"同上，用 kiosk-collector ca 显示的指纹",
                                     "the same by fingerprint, as kiosk-collector ca prints it"};
inline constexpr Text help_wait{"等到管理员准入为止", "wait until approved"};
inline constexpr Text help_proxy{"代理服务器：http://[用户:密码@]主机:端口",
                                 "http://[USER:PASSWORD@]HOST:PORT"};
inline constexpr Text help_force{"替换已有身份", "replace an existing identity"};

}  // namespace kw::agent::message
