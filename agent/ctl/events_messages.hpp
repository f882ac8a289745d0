#pragma once

#include <string_view>

#include "common/i18n.hpp"

// How kioskctl tells events; {} is filled in by fmt.
namespace kw::agent::ctl::message {

inline constexpr Text event_time{"时间", "time"};
inline constexpr Text event_device{"设备", "device"};
inline constexpr Text event_what{"发生了什么", "what happened"};
inline constexpr Text event_state{"送达", "delivered"};
inline constexpr Text event_acknowledged{"已确认", "yes"};
inline constexpr Text event_waiting{"待发送", "waiting"};
inline constexpr Text event_of_kiosk{"本机", "kiosk"};
inline constexpr Text event_none{"没有事件", "no events"};
inline constexpr Text event_missed{"……事件太多，略过一部分", "… more came than can be shown"};
inline constexpr Text event_sample{"测量：{}", "measured: {}"};
inline constexpr Text event_gap{"缺 {0} 条事件（{1}）", "missing: {0} event{2} ({1})"};
inline constexpr Text event_boot{"开机", "the system started"};
inline constexpr Text event_start{"kiosk-agent 启动", "kiosk-agent started"};
inline constexpr Text event_shutdown{"关机或停止 kiosk-agent",
                                     "shutdown, or kiosk-agent was stopped"};
inline constexpr Text event_unexpected{"（上次是意外断电或中断）",
                                       " (the run before ended unexpectedly)"};

inline constexpr Text event_refill{"已补充{}，余量 {} {}", "{} refilled, now {} {}"};
inline constexpr Text event_refill_unknown{"已补充{}，余量未知",
                                           "{} refilled, how much is not known"};
inline constexpr Text event_detected{"（自动识别）", " (detected)"};
// What business applications told. Sessions and results by their word.
inline constexpr Text event_session_begin{"会话开始", "a session began"};
inline constexpr Text event_session_end{"会话结束（{}，{}）", "a session ended ({}, {})"};
inline constexpr Text event_session_cut{"会话结束（{}，时长未知）",
                                        "a session ended ({}, how long it took is not known)"};
inline constexpr Text event_transaction{"办理 {} {}", "business {} {}"};
inline constexpr Text event_city{"，办理城市 {}", ", handling city {}"};
inline constexpr Text event_clicks{"点击：{}", "clicked: {}"};
inline constexpr Text event_use{"用去 {} {} {}", "used {1} {2} of {0}"};

/// What the agent notes of itself, by code.
struct NoteWord {
  std::string_view code;
  Text text;
};
inline constexpr NoteWord note_words[] = {
    {"link-check", {"链路检查", "link check"}},
    {"bad-configuration", {"配置有误", "a mistake in the configuration"}},
    {"certificate-refused",
     {"采集服务器拒绝本机证书", "the collector refused this kiosk's certificate"}},
    {"uplink-stopped", {"停止连接，需人工处理", "gave up connecting, a person is needed"}},
    {"outbox-damaged", {"事件缓冲区损坏，已抢救", "the event buffer was damaged and salvaged"}},
    {"outbox-unreadable",
     {"事件缓冲区完全无法读取，已移开，其中未上报的事件不会再上报",
      "the event buffer could not be read at all and was put aside, with what was not sent yet"}},
    {"outbox-newer",
     {"事件缓冲区来自更新的版本，已搁置",
      "the event buffer is of a newer version and was put aside"}},
    {"supplies-lost", {"部分耗材记录已损坏", "what was known of some consumables was damaged"}},
    {"driver-stuck", {"驱动卡死", "a driver is stuck"}},
    {"usb-plugged-in",
     {"插入未配置的 USB 设备", "a USB device that is not configured was plugged in"}},
    {"usb-pulled-out",
     {"拔出未配置的 USB 设备", "a USB device that is not configured was pulled out"}},
    {"assistant-unavailable", {"数据助手未启用", "the data assistant does not serve"}},
    {"assistant-throttled",
     {"业务软件请求过多，已限流", "applications asked too often and were held back"}},
};

/// How a session ended, by reason; how a transaction did, by result.
inline constexpr NoteWord session_words[] = {
    {"completed", {"办完", "completed"}},
    {"cancelled", {"取消", "cancelled"}},
    {"abandoned", {"离开", "abandoned"}},
    {"failed", {"失败", "failed"}},
    {"timeout", {"超时未结束", "timed out"}},
    {"replaced", {"下一会话已开始", "the next one began"}},
    {"restarted", {"终端重启", "the kiosk restarted"}},
    {"switched-off", {"数据助手已关闭", "the data assistant was switched off"}},
};
inline constexpr NoteWord transaction_words[] = {
    {"succeeded", {"成功", "succeeded"}},
    {"failed", {"失败", "failed"}},
    {"cancelled", {"取消", "was cancelled"}},
};

/// What became of a command, by state; {} is its number.
inline constexpr NoteWord command_words[] = {
    {"done", {"命令 {} 已执行", "command {} was carried out"}},
    {"failed", {"命令 {} 执行失败", "command {} failed"}},
    {"expired", {"命令 {} 已过期，未执行", "command {} came too late and was not carried out"}},
    {"refused", {"命令 {} 被拒绝", "command {} was refused"}},
    {"interrupted", {"命令 {} 被中断", "command {} was interrupted"}},
};
inline constexpr NoteWord configuration_words[] = {
    {"applied", {"下发的配置已生效", "the pushed configuration was applied"}},
    {"refused", {"下发的配置被拒绝", "the pushed configuration was refused"}},
    {"rolled-back", {"下发的配置已撤回", "the pushed configuration was rolled back"}},
};

}  // namespace kw::agent::ctl::message
