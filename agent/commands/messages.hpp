#pragma once

#include "common/i18n.hpp"

// What the results of commands say to people; {} is filled in by fmt.
namespace kw::agent::message {

inline constexpr Text unknown_verb{"没有命令 {}；可用：refresh、self-test、log-bundle",
                                   "no command {}; there are: refresh, self-test, log-bundle"};
inline constexpr Text args_not_object{"参数应为 JSON 对象", "the arguments must be a JSON object"};
inline constexpr Text unknown_argument{"命令 {} 没有参数 {}；可用：{}",
                                       "{} takes no argument {}; it takes: {}"};
inline constexpr Text argument_not_text{"参数 {} 应为非空文本",
                                        "the argument {} must be text and not empty"};
inline constexpr Text argument_missing{"命令 {} 缺少参数 {}", "{} needs the argument {}"};
inline constexpr Text no_arguments{"无", "none"};
inline constexpr Text command_expired{"命令在 {} 过期", "the command expired at {}"};
inline constexpr Text command_not_kept{
    "磁盘无法记录命令，因此不执行，以免重复执行",
    "the disk does not take the note that it began, so it is not begun: it could run twice"};
inline constexpr Text command_interrupted{"命令开始后代理程序中断，不会再次执行",
                                          "the agent ended while it ran; it is not begun again"};
inline constexpr Text refreshed_all{"已立即询问所有设备", "every device is polled now"};
inline constexpr Text refreshed_one{"已立即询问设备 {}", "device {} is polled now"};
inline constexpr Text test_passed{"自检通过：{}", "passed: {}"};
inline constexpr Text test_failed{"自检未通过：{}", "not passed: {}"};
inline constexpr Text bundle_sent{"诊断包已上传，{} 字节", "the bundle was sent, {} bytes"};
inline constexpr Text bundle_refused{"采集服务器拒绝诊断包（HTTP {}）：{}",
                                     "the collector refused the bundle (HTTP {}): {}"};
inline constexpr Text bundle_expired{"到期前未能上传诊断包：{}",
                                     "the bundle could not be sent in time: {}"};

}  // namespace kw::agent::message
