#pragma once

#include "agent/ctl/check.hpp"

// What `kioskctl doctor` says to a technician; {} is filled in by fmt.
namespace kw::agent::ctl::message {

inline constexpr Text check_agent{"kiosk-agent", "kiosk-agent"};
inline constexpr Text check_usage{"内存与处理器", "memory and CPU"};
inline constexpr Text check_config{"配置", "configuration"};
inline constexpr Text check_identity{"本机身份", "identity"};
inline constexpr Text check_disk{"磁盘", "disk"};
inline constexpr Text check_clock{"时钟", "clock"};
inline constexpr Text check_rights{"权限", "rights"};
inline constexpr Text check_port{"端口 {}", "port {}"};

// ---- agent
inline constexpr Text agent_runs{"运行中，版本 {}", "running, version {}"};
inline constexpr Finding agent_down{
    "agent-not-running",
    {"未运行（{}）：没有程序在监测设备", "not running ({}): no device is watched"},
    {"启动：sudo systemctl start kiosk-agent；若又退出，查看 journalctl -u kiosk-agent",
     "start it: sudo systemctl start kiosk-agent; if it ends again, journalctl -u kiosk-agent says "
     "why"}};
inline constexpr Finding agent_unasked{"agent-not-asked",
                                       {"无法询问：{}", "it cannot be asked: {}"},
                                       {"以管理员身份重新执行：sudo kioskctl doctor",
                                        "run it as the administrator: sudo kioskctl doctor"}};
inline constexpr Finding agent_other_version{
    "version-differs",
    {"运行的版本是 {}，安装的是 {}", "version {} runs, {} is installed"},
    {"重启以使用新版本：sudo systemctl restart kiosk-agent",
     "restart it to use the installed one: sudo systemctl restart kiosk-agent"}};
inline constexpr Text usage_fine{"内存 {} MiB，处理器 {:.1f} %", "{} MiB, CPU {:.1f} %"};
inline constexpr Finding usage_high{
    "usage-high",
    {"内存 {} MiB，处理器 {:.1f} %，高于正常", "{} MiB, CPU {:.1f} %: more than it should"},
    {"执行 kioskctl bundle 并把文件发给支持人员",
     "run kioskctl bundle and send the file to support"}};

// ---- configuration and identity
inline constexpr Text config_fine{"{0}：{1} 个设备", "{0}: {1} device{2}"};
inline constexpr Text config_pushed{"采集服务器下发的 {}", "pushed by the collector ({})"};
inline constexpr Finding config_unreadable{
    "config-unreadable",
    {"{} 无法读取：{}", "{} cannot be read: {}"},
    {"恢复该文件（示例见安装包），再重启 kiosk-agent",
     "put the file back (the package has a sample), then restart kiosk-agent"}};
inline constexpr Finding config_mistakes{"config-mistakes",
                                         {"{0} 处错误：{1}", "{0} mistake{2}: {1}"},
                                         {"改正后重启：sudo systemctl restart kiosk-agent",
                                          "correct them, then sudo systemctl restart kiosk-agent"}};
inline constexpr Text identity_fine{"终端 {}，证书还有 {}", "terminal {}, certificate good for {}"};
inline constexpr Finding identity_ends{
    "certificate-ends",
    {"终端 {} 的证书还有 {}", "terminal {}: the certificate is good for {} more"},
    {"kiosk-agent 应会自动续期；用 kioskctl link 检查链路",
     "kiosk-agent should renew it by itself: kioskctl link tells whether it can"}};
inline constexpr Finding identity_over{
    "certificate-ended",
    {"终端 {} 的证书已于 {} 过期", "terminal {}: the certificate ended on {}"},
    {"若系统日期正确，用新令牌重新注册：kiosk-agent enroll --force …",
     "if the system's date is right, enrol again with a new token: kiosk-agent enroll --force …"}};

// ---- disk
inline constexpr Text disk_fine{"可用 {} MiB，缓冲区上限 {} MiB",
                                "{} MiB free, the event buffer's ceiling is {} MiB"};
inline constexpr Finding disk_small{"disk-small",
                                    {"可用 {} MiB，容不下缓冲区还可能增长的 {} MiB",
                                     "{} MiB free, the event buffer may still grow by {} MiB"},
                                    {"清理磁盘，或减小 agent.toml 的 outbox_mib",
                                     "make room, or lower the event buffer's size in agent.toml"}};
inline constexpr Finding disk_full{
    "disk-full",
    {"可用 {} MiB：事件写不进磁盘", "{} MiB free: events cannot be written"},
    {"立即清理磁盘；kiosk-agent 会自动恢复写入",
     "make room now; kiosk-agent then writes again by itself"}};
inline constexpr Finding disk_refuses{
    "disk-refuses",
    {"kiosk-agent 写不进数据目录，事件暂存内存",
     "kiosk-agent cannot write its data folder: events wait in memory"},
    {"检查磁盘是否已满、只读或损坏", "see whether the disk is full, read-only or broken"}};
inline constexpr Finding disk_unknown{
    "disk-unknown",
    {"看不到 {}：{}", "cannot look at {}: {}"},
    {"以管理员身份重新执行，或核对 --data", "run it with sudo, or check --data"}};

// ---- clock
inline constexpr Text clock_fine{"与采集服务器相差 {}，自动对时正常",
                                 "off by {} from the collector's, synchronised"};
inline constexpr Text clock_unsure{"自动对时正常，采集服务器时间未知",
                                   "synchronised; the collector's time is not known"};
inline constexpr Finding clock_off{
    "clock-wrong",
    {"与采集服务器相差 {}（本机{}）", "off by {} from the collector's (this kiosk is {})"},
    {"校正系统时间并启用自动对时：sudo timedatectl set-ntp true",
     "set the clock and switch on time synchronisation: sudo timedatectl set-ntp true"}};
inline constexpr Finding clock_unkept{
    "clock-not-synchronised",
    {"没有自动对时", "nothing keeps the clock right"},
    {"启用自动对时：sudo timedatectl set-ntp true",
     "switch on time synchronisation: sudo timedatectl set-ntp true"}};

// ---- rights
inline constexpr Text rights_fine{"数据目录属于 {}，密钥不对他人开放",
                                  "the data folder is {}'s, the key is closed to others"};
inline constexpr Finding rights_unseen{
    "rights-unseen",
    {"看不到数据目录 {}", "the data folder {} cannot be seen"},
    {"以管理员身份重新执行，或核对 --data", "run it with sudo, or check --data"}};
inline constexpr Finding rights_open{
    "rights-open",
    {"{} 对其他用户开放", "{} is open to other users"},
    {"收回权限：sudo chmod -R go-rwx 数据目录；密钥曾对他人可读，最好重新注册",
     "close it: sudo chmod -R go-rwx DATA; a key that others could read should be replaced by "
     "enrolling "
     "again"}};

// ---- ports
inline constexpr Text port_fine{"可用", "usable"};
inline constexpr Text port_held{"kiosk-agent 正在使用", "in use by kiosk-agent"};
inline constexpr Text port_far{"{} 可连接", "{} takes connections"};
inline constexpr Text port_none{"不需要端口", "needs no port"};
inline constexpr Text port_disabled{"已停用", "disabled"};
inline constexpr Finding port_missing{
    "port-missing",
    {"{} 不存在", "{} does not exist"},
    {"检查设备电源和数据线；USB 串口换过插口后名称会变，建议用 /dev/serial/by-id/ 下的名称",
     "check the device's power and cable; a USB serial port changes its name with the socket: use "
     "the one under /dev/serial/by-id/"}};
inline constexpr Finding port_forbidden{
    "port-forbidden",
    {"用户 {} 无权使用 {}（属于组 {}）", "user {} may not use {} (group {})"},
    {"加入该组后重启：sudo usermod -aG 组 用户，再 sudo systemctl restart kiosk-agent",
     "add the user to the group (sudo usermod -aG GROUP USER), then sudo systemctl restart "
     "kiosk-agent"}};
inline constexpr Finding port_shared{
    "port-in-use",
    {"{} 正被 {} 占用", "{} is in use by {}"},
    {"若是业务软件则属正常，设备状态会显示“共享”；否则关闭该程序",
     "if that is the business application all is as planned; else end that program"}};
inline constexpr Finding port_mute{
    "port-does-not-open",
    {"{} 打不开：{}", "{} does not open: {}"},
    {"检查设备电源、数据线和网络地址", "check the device's power, cable and network address"}};
inline constexpr Finding port_mistaken{
    "port-mistaken",
    {"配置有误：{}", "configured wrongly: {}"},
    {"改正 agent.toml 后重启 kiosk-agent", "correct agent.toml, then restart kiosk-agent"}};

inline constexpr Text doctor_faults{"{0} 项故障，{2} 项提醒", "{0} fault{1}, {2} warning{3}"};
inline constexpr Text doctor_well{"本机检查正常", "this host is well"};

}  // namespace kw::agent::ctl::message
