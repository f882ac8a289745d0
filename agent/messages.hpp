#pragma once

#include "common/i18n.hpp"

// What kiosk-agent says to people; {} is filled in by fmt.
namespace kw::agent::message {

inline constexpr Text folder_busy{"数据目录 {} 正被另一个 kiosk-agent 使用",
                                  "the data folder {} is used by another kiosk-agent"};
inline constexpr Text folder_failed{"无法使用数据目录 {}：{}", "cannot use the data folder {}: {}"};
inline constexpr Text already_enrolled{
    "本机已注册为终端 {}；如需重新注册，请加 --force",
    "this kiosk is enrolled as terminal {}; to enrol it again, add --force"};
inline constexpr Text bad_server{"--server 应为 https://主机:端口：{}",
                                 "--server must be https://HOST:PORT: {}"};
inline constexpr Text bad_proxy{"--proxy 有误：{}", "--proxy is wrong: {}"};
inline constexpr Text bad_token{"注册令牌无效：{}", "the token is not valid: {}"};
inline constexpr Text bad_ca{"采集服务器的证书机构无效：{}",
                             "the collector's certificate authority is not usable: {}"};
inline constexpr Text not_approved_yet{"尚未准入，请稍后重试（或加 --wait）：{}",
                                       "not approved yet: try again later, or add --wait: {}"};
inline constexpr Text waiting_for_approval{
    "已提交准入申请。请管理员核对此指纹后准入：\n  {}",
    "this kiosk waits for approval. Whoever approves it compares this fingerprint:\n  {}"};
inline constexpr Text needs_token_or_ca{
    "请给出 --token，或 --ca / --ca-sha256（由管理员准入）",
    "give --token, or --ca or --ca-sha256 to be approved by an administrator"};
inline constexpr Text unreachable{"无法连接采集服务器 {}：{}",
                                  "cannot reach the collector at {}: {}"};
inline constexpr Text rejected{"采集服务器拒绝注册（HTTP {}）：{}",
                               "the collector refused to enrol this kiosk (HTTP {}): {}"};
inline constexpr Text bad_answer{"采集服务器的应答无法使用：{}",
                                 "the collector's answer cannot be used: {}"};
inline constexpr Text key_failed{"无法生成密钥：{}", "cannot make a key: {}"};
inline constexpr Text save_failed{"无法保存身份：{}", "cannot save the identity: {}"};
inline constexpr Text enrolled{"注册成功：终端 {}，采集服务器 {}",
                               "enrolled: terminal {}, collector {}"};

}  // namespace kw::agent::message
