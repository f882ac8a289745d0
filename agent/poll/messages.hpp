#pragma once

#include "common/i18n.hpp"

// Why an order about a device is not carried out; {} is filled in by fmt.
namespace kw::agent::message {

inline constexpr Text no_such_device{"没有设备“{}”；已配置的设备：{}",
                                     "no device \"{}\"; configured: {}"};
inline constexpr Text no_devices{"（无）", "none"};
inline constexpr Text device_disabled{"设备 {} 已在配置中停用",
                                      "device {} is disabled in the configuration"};
inline constexpr Text device_mistaken{"设备 {} 配置有误：{}",
                                      "device {} is configured wrongly: {}"};
inline constexpr Text device_stuck{"设备 {} 的驱动停止响应；请检查设备，或重启代理",
                                   "the driver of device {} is stuck; check the device, or restart "
                                   "the agent"};
inline constexpr Text no_such_test{"设备 {} 没有自检项“{}”；可用：{}",
                                   "device {} has no self-test \"{}\"; known: {}"};
inline constexpr Text test_running{"设备 {} 的端口上已有自检在进行",
                                   "a self-test is running on the port of device {} already"};
inline constexpr Text test_late{"设备 {} 的自检未在 {} 毫秒内结束",
                                "the self-test of device {} did not end within {} ms"};
inline constexpr Text test_ended{
    "代理停止或换用新配置，设备 {} 的自检中断",
    "the self-test of device {} was cut short: the agent stops or takes "
    "a new configuration"};

}  // namespace kw::agent::message
