#pragma once

#include "common/i18n.hpp"

// Why a word about a consumable is not taken; {} is filled in by fmt.
namespace kw::agent::message {

inline constexpr Text supply_no_device{"没有设备“{}”；已配置的设备：{}",
                                       "no device \"{}\"; configured: {}"};
inline constexpr Text supply_disabled{"设备 {} 已在配置中停用",
                                      "device {} is disabled in the configuration"};
inline constexpr Text supply_no_type{"设备 {} 没有耗材“{}”；它的耗材：{}",
                                     "device {} has no consumable \"{}\"; it has: {}"};
inline constexpr Text supply_no_supplies{"设备 {} 没有耗材", "device {} has no consumables"};
inline constexpr Text supply_no_level{
    "已记录用量，但设备 {0} 的 {1} 余量未知：请登记补充（kioskctl refill），或在配置中设 capacity "
    "后补充",
    "the use is noted, but how much {1} device {0} has is not known: tell a refill (kioskctl "
    "refill), or set its capacity in the configuration and refill it"};
inline constexpr Text supply_which{"设备 {} 有多种耗材，请指明：{}",
                                   "device {} has several consumables; say which: {}"};
inline constexpr Text supply_none{"（无）", "none"};
inline constexpr Text supply_amount{"数量应为不超过 1000000 的正数",
                                    "an amount must be a number above 0, at most 1000000"};
inline constexpr Text supply_too_much{"数量超过 {} 的容量 {:g} {}；新容量用 --capacity 指明",
                                      "more than {} holds, {:g} {}; tell another capacity with "
                                      "--capacity"};
inline constexpr Text supply_unit{
    "设备 {0} 的 {1} 按 {2} 计，不能按“{3}”记录用量；可在配置中设 per_use",
    "{1} of device {0} is counted in {2}, not in \"{3}\"; per_use in the configuration says what "
    "one takes"};

}  // namespace kw::agent::message
