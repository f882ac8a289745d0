#pragma once

#include "common/i18n.hpp"

// What kioskctl says to people; {} is filled in by fmt.
namespace kw::agent::ctl::message {

inline constexpr Text not_running{"kiosk-agent 未运行（{}）", "kiosk-agent is not running ({})"};
inline constexpr Text not_allowed{"无权访问 kiosk-agent：{}", "not allowed to ask kiosk-agent: {}"};
inline constexpr Text no_answer{"kiosk-agent 无应答：{}", "kiosk-agent does not answer: {}"};
inline constexpr Text start_it{"启动它：sudo systemctl start kiosk-agent",
                               "start it: sudo systemctl start kiosk-agent"};
inline constexpr Text use_sudo{"以管理员身份重新执行（sudo）", "run it again with sudo"};
inline constexpr Text restart_it{"重启它：sudo systemctl restart kiosk-agent",
                                 "restart it: sudo systemctl restart kiosk-agent"};
inline constexpr Text no_usb{"无法列出 USB 设备：{}", "USB devices cannot be listed: {}"};
inline constexpr Text see_help{"用法见 kioskctl --help", "see kioskctl --help"};
inline constexpr Text no_driver{"没有驱动 {}；可用：{}", "no driver {}; there are: {}"};
inline constexpr Text bad_set{"--set 应为 NAME=VALUE：{}", "--set must be NAME=VALUE: {}"};
inline constexpr Text bad_setting{"设置有误：{}", "wrong setting: {}"};
inline constexpr Text unfit_port{"端口不合适，该驱动需要：{}", "wrong port; this driver takes {}"};
inline constexpr Text bad_port{"端口有误：{}", "wrong port: {}"};

inline constexpr Text terminal{"终端编号", "terminal"};
inline constexpr Text not_enrolled{"未注册", "not enrolled"};
inline constexpr Text version{"版本", "version"};
inline constexpr Text collector{"采集服务器", "collector"};
inline constexpr Text proxy{"代理服务器", "proxy"};
inline constexpr Text other_collectors{"其他采集服务器", "other collectors"};
inline constexpr Text configuration{"配置来源", "configuration"};
inline constexpr Text configuration_local{"本机文件 {}", "own file {}"};
inline constexpr Text configuration_pushed{"采集服务器下发 {}", "pushed by the collector {}"};
inline constexpr Text configuration_trial{"试用中", "on trial"};
inline constexpr Text configuration_refused{"最近下发的配置 {} 被拒绝",
                                            "the last pushed one {} was refused"};
inline constexpr Text configuration_rolled_back{"最近下发的配置 {} 已撤回",
                                                "the last pushed one {} was rolled back"};
inline constexpr Text assistant{"数据助手", "data assistant"};
inline constexpr Text serving{"正在服务市民（{}）", "a citizen is being served ({})"};
inline constexpr Text timed_out{"上一会话未结束，已超时",
                                "the last session was never ended and timed out"};
inline constexpr Text connection{"连接", "connection"};
inline constexpr Text quarantined{"已隔离", "quarantined"};
inline constexpr Text quarantined_what{
    "另一台主机正使用同一身份（多为硬盘克隆）：事件仍会保存，但不参与判断；"
    "请在不该使用该身份的主机上重新注册",
    "another machine uses this identity, most often a cloned disk: events are kept but not judged; "
    "enrol the one that should not have it anew"};
inline constexpr Text last_ack{"最近确认", "last acknowledged"};
inline constexpr Text backlog{"待发送事件", "events waiting"};
inline constexpr Text oldest{"最早待发送", "oldest waiting"};
inline constexpr Text on_disk{"占用磁盘", "on disk"};
inline constexpr Text not_written{"磁盘写不进去，事件暂存内存",
                                  "cannot be written: events wait in memory"};
inline constexpr Text devices{"设备", "devices"};
inline constexpr Text problems{"配置问题", "configuration problems"};
inline constexpr Text unreadable{"配置文件无法读取，未监测任何设备",
                                 "the configuration cannot be read: no device is watched"};
inline constexpr Text none{"无", "none"};
inline constexpr Text ago{"{}前", "{} ago"};
inline constexpr Text never{"从未", "never"};

inline constexpr Text device_name{"设备名称", "device"};
inline constexpr Text kind{"硬件类型", "kind"};
inline constexpr Text health{"状态", "health"};
inline constexpr Text device_state{"设备状态", "state"};
inline constexpr Text since{"已持续", "for"};
inline constexpr Text conditions{"情况", "conditions"};
inline constexpr Text what_to_do{"处理", "what to do"};
inline constexpr Text unanswered{"未得到应答", "not answered"};
inline constexpr Text components{"部件", "parts"};
inline constexpr Text measurements{"测量值", "measured"};
inline constexpr Text port{"端口", "port"};
inline constexpr Text driver{"驱动", "driver"};
inline constexpr Text epoch{"时段", "epoch"};
inline constexpr Text first_kept{"最早保留", "first kept"};
inline constexpr Text acknowledged{"已确认", "acknowledged"};
inline constexpr Text last{"最后", "last"};
inline constexpr Text media{"介质", "media"};
inline constexpr Text evidence{"依据", "evidence"};
inline constexpr Text elapsed{"耗时（毫秒）", "elapsed (ms)"};
inline constexpr Text identity{"标识", "identity"};
inline constexpr Text consumables{"耗材", "consumables"};
inline constexpr Text of_colour{"{}（{}）", "{} ({})"};
inline constexpr Text days_left{"约可用 {} 天", "about {} days left"};
inline constexpr Text report_age{"业务软件报告于", "reported by the application"};
inline constexpr Text refill_done{"已登记：{} 的{}补充后{}\n", "{}: {} refilled, {}\n"};
inline constexpr Text refill_level{"余量 {} {}", "now {} {}"};
inline constexpr Text refill_unknown{
    "余量未知；容量已知后才能计算：--capacity 或 agent.toml 的 [[device.consumable]]",
    "how much is not known: tell --capacity, or capacity in [[device.consumable]] of agent.toml"};
inline constexpr Text refill_amount{"数量应为大于 0 的数", "an amount is a number above 0"};
inline constexpr Text refill_see{"设备及耗材见 kioskctl devices DEVICE",
                                 "kioskctl devices DEVICE shows its consumables"};
inline constexpr Text no_such_device{"没有设备“{}”；已配置的设备：{}",
                                     "no device \"{}\"; configured: {}"};
inline constexpr Text help_refill{"登记已补充耗材", "say that a consumable was refilled"};

inline constexpr Text health_ok{"正常", "ok"};
inline constexpr Text health_warning{"预警", "warning"};
inline constexpr Text health_fault{"故障", "fault"};
inline constexpr Text health_busy{"忙", "busy"};
inline constexpr Text health_unknown{"未知", "unknown"};
inline constexpr Text health_disabled{"停用", "disabled"};

inline constexpr Text phase_not_enrolled{"未注册", "not enrolled"};
inline constexpr Text phase_connecting{"连接中", "connecting"};
inline constexpr Text phase_draining{"已连接，补传中", "connected, draining"};
inline constexpr Text phase_live{"已连接", "connected"};
inline constexpr Text phase_waiting{"等待重连", "waiting to reconnect"};
inline constexpr Text phase_refused{"证书被拒绝", "certificate refused"};
inline constexpr Text phase_stopped{"已停止，需人工处理", "stopped, needs a person"};

inline constexpr Text help_app{"查看本机 kiosk-agent 与设备",
                               "look at this kiosk's agent and devices"};
inline constexpr Text help_status{"总体状态", "the agent as a whole"};
inline constexpr Text help_devices{"各设备状态", "every device"};
inline constexpr Text help_outbox{"事件缓冲区", "the event buffer"};
inline constexpr Text help_link{"逐步检查到采集服务器的链路，指出第一处故障",
                                "walk the way to the collector and name the first fault"};
inline constexpr Text help_doctor{"检查本机：磁盘、时钟、权限、端口、配置",
                                  "examine this host: disk, clock, rights, ports, configuration"};
inline constexpr Text help_events{"最近的事件；--follow 持续显示",
                                  "the last events; --follow goes on with new ones"};
inline constexpr Text help_test{"让 kiosk-agent 测试一个设备", "have the agent test one device"};
inline constexpr Text help_watch{"实时画面（q 退出）", "a live screen (q leaves)"};
inline constexpr Text help_bundle{"生成诊断包，供支持人员分析（密码已隐去）",
                                  "write a support bundle (secrets masked)"};
inline constexpr Text bundle_written{"诊断包已写入 {}（{} KiB），请发给支持人员\n",
                                     "the bundle is in {} ({} KiB): send it to support\n"};
inline constexpr Text bundle_partly{"kiosk-agent 未应答，缺少：{}\n",
                                    "kiosk-agent does not answer; missing: {}\n"};
inline constexpr Text bundle_no_rights{
    "无权访问 kiosk-agent，请以管理员身份重新执行（sudo kioskctl bundle）；缺少：{}\n",
    "not allowed to ask kiosk-agent: run it again as sudo kioskctl bundle; missing: {}\n"};
inline constexpr Text bundle_unwritten{"写不了 {}：{}", "cannot write {}: {}"};
inline constexpr Text test_result{"结果", "result"};
inline constexpr Text test_passed{"通过", "passed"};
inline constexpr Text test_failed{"未通过", "failed"};
inline constexpr Text test_found{"{}，{}，{} 毫秒应答", "{}, {}, answered in {} ms"};
inline constexpr Text test_attempts{"各次耗时（毫秒）", "attempts (ms)"};
inline constexpr Text test_detail{"详情", "detail"};
inline constexpr Text test_see_devices{
    "设备名称见 kioskctl devices，测试项见 kioskctl drivers --json",
    "kioskctl devices lists the names, kioskctl drivers --json "
    "the tests"};
inline constexpr Text test_again{"检查设备电源和数据线后重试：kioskctl doctor 查看端口",
                                 "check power and cable, then try again; kioskctl doctor looks at "
                                 "the port"};
inline constexpr Text no_command{"没有这个命令；可用：{}", "no such command; there are: {}"};
inline constexpr Text wrong_usage{"命令行有误：{}", "{}"};
inline constexpr Text help_drivers{"内置驱动及其设置", "built-in drivers and their settings"};
inline constexpr Text help_markdown{"输出双语一览表（drivers/CATALOGUE.md）",
                                    "as the table in both languages that drivers/CATALOGUE.md is"};
inline constexpr Text help_probe{"不经 kiosk-agent，直接询问一次设备",
                                 "ask one device once, without the agent"};
inline constexpr Text help_discover{"找出连接着什么设备，给出可用的配置",
                                    "find what is attached, and print configuration for it"};

}  // namespace kw::agent::ctl::message
