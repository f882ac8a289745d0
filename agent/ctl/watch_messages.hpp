#pragma once

#include <array>
#include <string_view>

#include "common/i18n.hpp"

// What `kioskctl watch` shows; {} is filled in by fmt.
namespace kw::agent::ctl {

/// The order of devices on the screen.
inline constexpr std::array<std::string_view, 6> urgent_first{"fault", "unknown", "warning",
                                                              "busy",  "ok",      "disabled"};

namespace message {

inline constexpr Text watch_title{"终端 {}    {}    q 退出", "terminal {}    {}    q leaves"};
inline constexpr Text watch_lost{"kiosk-agent 没有应答，正在重试：{}",
                                 "kiosk-agent does not answer, trying again: {}"};
inline constexpr Text watch_reading{"正在读取……", "reading…"};
inline constexpr Text watch_link{"采集服务器 {}：{}", "collector {}: {}"};
inline constexpr Text watch_outbox{"待发送事件 {}", "events waiting {}"};
inline constexpr Text watch_age{"上次询问", "asked"};
inline constexpr Text watch_more{"……还有 {} 行", "… {} more"};
inline constexpr Text watch_events{"最近事件", "last events"};

}  // namespace message
}  // namespace kw::agent::ctl
