#pragma once

#include "common/i18n.hpp"

// What `kioskctl outbox check` says to people; {} is filled in by fmt.
namespace kw::agent::ctl::message {

inline constexpr Text help_outbox_check{"检查事件缓冲区文件（代理运行与否均可，只读）",
                                        "check the event buffer's file, with the agent running or "
                                        "not; changes nothing"};
inline constexpr Text check_file{"缓冲区文件：{}，{} / {} MiB\n", "buffer: {}, {} / {} MiB\n"};
inline constexpr Text check_epoch{"  时段 {}：{} 至 {}，已确认至 {}，事件 {} 条\n",
                                  "  epoch {}: {} to {}, acknowledged up to {}, {} events\n"};
inline constexpr Text check_gap{"  已丢弃并登记：{} 条（{}）\n",
                                "  dropped and counted: {} ({})\n"};
inline constexpr Text check_aside{"  先前移开的文件：{}\n", "  put aside before: {}\n"};
inline constexpr Text check_sound{"完好\n", "sound\n"};
inline constexpr Text check_damaged{"发现 {} 处损坏：\n", "{} damaged place(s):\n"};
inline constexpr Text check_advice{
    "处理办法：重启 kiosk-agent。它会抢救能读出的事件、移开损坏的文件并上报丢失的数目；"
    "若反复出现，检查或更换磁盘",
    "what to do: restart kiosk-agent. It salvages what can be read, puts the damaged file aside "
    "and reports how much is missing; if it comes back, check or replace the disk"};
inline constexpr Text check_missing{"没有事件缓冲区文件：{}", "there is no event buffer: {}"};
inline constexpr Text check_where{"用 --data 指明代理的数据目录",
                                  "name the agent's data folder with --data"};
inline constexpr Text check_unreadable{"无法读取事件缓冲区：{}",
                                       "cannot read the event buffer: {}"};

inline constexpr Text damage_pages{"数据库页：{}", "database pages: {}"};
inline constexpr Text damage_record{"时段 {} 第 {} 条：校验值不符",
                                    "epoch {}, number {}: its check is wrong"};
inline constexpr Text damage_hole{"时段 {} 自第 {} 条起缺 {} 条",
                                  "epoch {}: from number {} on {} are missing"};
inline constexpr Text damage_tail{"时段 {} 末尾自第 {} 条起缺 {} 条",
                                  "epoch {}: the end is missing, from number {} on {}"};
inline constexpr Text damage_marks{"时段 {}：确认序号超出末尾（{} 起 {} 条）",
                                   "epoch {}: acknowledged past the end (from {} on {})"};
inline constexpr Text damage_device{"设备状态 {}：校验值不符",
                                    "state of device {}: its check is wrong"};
inline constexpr Text damage_supply{"耗材 {}：校验值不符", "consumable {}: its check is wrong"};
inline constexpr Text damage_size{"占用 {} 字节，超过上限 {}",
                                  "{} bytes are more than the ceiling of {}"};

}  // namespace kw::agent::ctl::message
