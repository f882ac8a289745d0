#pragma once

#include "common/i18n.hpp"

/// What kiosk-collector says to the person who runs it.
namespace kw::collector::messages {

inline constexpr Text about{"Kioskwatch 采集服务器：接收自助终端事件，自动派发工单",
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
inline constexpr Text run_help{"运行采集服务器", "run the collector"};
inline constexpr Text agents_help{"终端连接的地址:端口（双向 TLS）",
                                  "ADDRESS:PORT for kiosks (mutual TLS)"};
inline constexpr Text people_help{
    "接口与控制台的地址:端口（目前仅限本机回环地址）",
    "ADDRESS:PORT for API and console (loopback only until accounts come)"};
inline constexpr Text events_help{"逐行输出一台终端已入库的事件（JSON）",
                                  "print a terminal's stored events, one JSON object a line"};
inline constexpr Text maintenance_help{"终端维护状态：故障照常记录，维护期间不派单",
                                       "maintenance: faults are recorded, orders wait"};
inline constexpr Text maintenance_on_help{"开始维护", "begin"};
inline constexpr Text maintenance_off_help{"结束维护；仍存在的故障立即派单",
                                           "end; what still stands is dispatched at once"};
inline constexpr Text until_help{"自动结束的时间，如 2026-11-22T18:30:00+08:00",
                                 "when it ends by itself, as 2026-11-22T18:30:00+08:00"};
inline constexpr Text maintenance_is_on{"{}：维护中", "{}: in maintenance"};
inline constexpr Text maintenance_is_off{"{}：维护已结束", "{}: maintenance is over"};
inline constexpr Text command_help{"向终端下发命令，结果随事件返回",
                                   "send a command to a terminal; its result comes as an event"};
inline constexpr Text verb_help{"refresh（立即轮询）、self-test（自检）、log-bundle（收集日志包）",
                                "refresh (poll now), self-test, log-bundle (collect logs)"};
inline constexpr Text device_help{"设备名（配置中的 name）",
                                  "device: its name in the configuration"};
inline constexpr Text test_help{"自检项目", "which test of the device"};
inline constexpr Text expires_help{"多少秒后失效（默认 600）",
                                   "seconds until it expires (600 unless told)"};
inline constexpr Text wait_help{"等待结果并以 JSON 输出", "wait for the result, print it as JSON"};
inline constexpr Text config_help{"下发给终端的配置 agent.toml",
                                  "the agent.toml that a terminal shall have"};
inline constexpr Text config_push_help{
    "下发；终端校验后启用，无法运行时恢复原配置",
    "push; the kiosk checks it, and goes back to the old one when it cannot run"};
inline constexpr Text config_show_help{"显示下发的配置及终端的答复",
                                       "show what was pushed and what the kiosk says of it"};
inline constexpr Text config_clear_help{"撤回，恢复终端自己的配置文件",
                                        "take back: the kiosk's own file counts again"};
inline constexpr Text config_file_help{"agent.toml 文件", "the agent.toml file"};
inline constexpr Text config_state{"{}：{}；下发 {}；生效 {}；{}",
                                   "{}: {}; pushed {}; in force {}; {}"};
inline constexpr Text config_is_local{"该终端自己的配置文件禁止远程下发。",
                                      "This kiosk's own file forbids pushed configurations."};
inline constexpr Text not_running{"采集服务器未运行：请先启动，再执行本命令",
                                  "the collector is not running: start it first"};
inline constexpr Text revoke_help{"吊销一台终端的证书；其连接立即断开，需重新注册",
                                  "revoke a terminal's certificates; its session ends at once"};
inline constexpr Text serial_help{"只吊销此序列号的证书", "only the certificate with this serial"};
inline constexpr Text reason_help{"原因（记入审计）", "why (kept in the audit)"};
inline constexpr Text revoked{"已吊销终端 {} 的证书：{} 张",
                              "terminal {}: {} certificate(s) revoked"};
inline constexpr Text provisioning_help{"未带令牌、等待准入的终端",
                                        "kiosks that knocked without a token"};
inline constexpr Text provisioning_list_help{"列出等待准入的终端", "list them"};
inline constexpr Text approve_help{
    "准入：先核对指纹，再指定终端编号",
    "let one in as a terminal; compare the fingerprint on its screen first"};
inline constexpr Text reject_help{"拒绝准入", "turn one away"};
inline constexpr Text entry_help{"列表中的编号", "its id in the list"};
inline constexpr Text json_help{"输出 JSON", "print JSON"};
inline constexpr Text provisioning_none{"没有等待准入的终端", "no kiosk waits"};
inline constexpr Text provisioning_line{
    "{}  {}  主机 {}  来自 {}  敲门 {} 次，最近 {}  {}\n  指纹 {}",
    "{}  {}  host {}  from {}  knocked {} times, last {}  {}\n  fingerprint {}"};
inline constexpr Text waiting{"等待", "waiting"};
inline constexpr Text approved{"已准入", "approved"};
inline constexpr Text rejected{"已拒绝", "rejected"};
inline constexpr Text approved_done{"已准入：终端 {}，指纹 {}",
                                    "approved: terminal {}, fingerprint {}"};
inline constexpr Text rejected_done{"已拒绝：指纹 {}", "turned away: fingerprint {}"};
inline constexpr Text ca_help{"输出证书机构的指纹（供终端 --ca-sha256 使用）",
                              "print the authority's fingerprint, for --ca-sha256 on kiosks"};
inline constexpr Text drain_help{
    "排空：终端确认全部数据后离开，稍后再连；采集服务器不再接纳连接",
    "drain: agents leave once all is acknowledged and come back later; nobody is let in"};
inline constexpr Text retry_after_help{"终端多久后再连（秒）", "when agents come back, in seconds"};
inline constexpr Text stop_help{"排空后停止采集服务器", "stop the collector afterwards"};
inline constexpr Text drained{"已排空 {} 个连接", "drained {} sessions"};
inline constexpr Text max_sessions_help{"同时连接的终端上限", "most sessions at a time"};
inline constexpr Text max_handshakes_help{"同时进行的 TLS 握手上限",
                                          "most TLS handshakes at a time"};
inline constexpr Text max_behind_help{"入库落后超过多少秒后不再接纳新连接",
                                      "let nobody in while writing is so many seconds behind"};
inline constexpr Text max_jobs_help{"等待入库的任务上限，超过后不再接纳新连接",
                                    "let nobody in while so many writes wait"};
inline constexpr Text fingerprint{"证书机构指纹（--ca-sha256）：{}",
                                  "authority's fingerprint (--ca-sha256): {}"};
inline constexpr Text log_format_help{"日志格式：text 或 json", "log format: text or json"};
inline constexpr Text initialised{"已建立：{}", "made: {}"};
inline constexpr Text ready{"采集服务器已就绪：终端 {}，接口 http://{}/",
                            "collector is ready: kiosks {}, API http://{}/"};
inline constexpr Text failed{"错误：{}", "error: {}"};

}  // namespace kw::collector::messages
