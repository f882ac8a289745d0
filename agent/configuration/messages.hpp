#pragma once

#include "common/i18n.hpp"

// What is said of configurations that the collector sent; {} is filled in by fmt.
namespace kw::agent::message {

inline constexpr Text push_forbidden{
    "本机配置文件不接受下发的配置（accept_configuration），或该文件无法读取",
    "this kiosk's own file takes no pushed configuration (accept_configuration), or cannot be "
    "read"};
inline constexpr Text push_garbled{"内容与其哈希不符", "the text does not fit its hash"};
inline constexpr Text own_unreadable{"本机配置文件无法读取：{}",
                                     "this kiosk's own file cannot be read: {}"};
inline constexpr Text push_not_kept{"无法保存配置：{}", "it cannot be kept: {}"};
inline constexpr Text more_problems{"另有 {} 处", "{} more"};
inline constexpr Text rolled_back_unreached{"{} 秒内未能连接采集服务器：{}",
                                            "the collector was not reached within {} s: {}"};
inline constexpr Text rolled_back_restarts{
    "试用期间代理程序多次重新启动", "the agent was started again too often while it was tried"};
inline constexpr Text storage_at_restart{"outbox_mib 在代理程序重新启动后生效",
                                         "outbox_mib takes effect when the agent starts again"};
inline constexpr Text accept_ignored{"accept_configuration 只在本机配置文件中有效",
                                     "accept_configuration counts in the kiosk's own file only"};
inline constexpr Text port_left{"端口 {} 的驱动无响应，恢复或重新启动前不再询问",
                                "the driver on port {} is stuck: not polled until it comes back or "
                                "the agent starts again"};

}  // namespace kw::agent::message
