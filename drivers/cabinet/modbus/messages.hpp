#pragma once

#include "common/i18n.hpp"

// What is wrong with a register map: what was expected instead, or why it cannot be loaded; {} is
// filled in by fmt.
namespace kw::drivers::modbus::message {

inline constexpr Text table{"coil、discrete-input、holding-register 或 input-register",
                            "coil, discrete-input, holding-register or input-register"};
inline constexpr Text register_table{"holding-register 或 input-register",
                                     "holding-register or input-register"};
inline constexpr Text address{"0 至 65535 的整数，从 0 数起",
                              "integer from 0 to 65535, counted from 0"};
inline constexpr Text bit_of_bit{"位只属于寄存器", "a bit belongs to a register"};
inline constexpr Text which_bit{"寄存器的哪一位，0 至 15", "which bit of the register, 0 to 15"};
inline constexpr Text last_register{"65535 之后没有寄存器", "no register after 65535"};
inline constexpr Text condition{"条件代码，而不是 \"{}\"", "a condition's code, not \"{}\""};
inline constexpr Text state{"open、closed、locked、on、off、ok、inoperable 或 tampered",
                            "open, closed, locked, on, off, ok, inoperable or tampered"};
inline constexpr Text component_name{"小写字母、数字和连字符",
                                     "lower-case letters, digits and hyphens"};
inline constexpr Text gauge_name{"小写字母、数字和下划线，末尾是单位",
                                 "lower-case letters, digits and underscores, its unit last"};
inline constexpr Text on_or_off{"接通时的状态，或用 off = 给出断开时的状态",
                                "what it is when on, or off = what it is when off"};
inline constexpr Text above_or_below{"above 与 below 之一", "either above or below"};
inline constexpr Text not_above{"不高于限值", "not above the limit"};
inline constexpr Text not_below{"不低于限值", "not below the limit"};
inline constexpr Text not_zero{"不为 0", "not 0"};
inline constexpr Text something{"至少一个 [[component]]、[[condition]] 或 [[measurement]]",
                                "at least one [[component]], [[condition]] or [[measurement]]"};
inline constexpr Text points_most{"至多 {} 个点", "at most {} points"};
inline constexpr Text names_most{"至多 {} 个名称", "at most {} names"};
inline constexpr Text codes_most{"至多 {} 种代码", "at most {} different codes"};
inline constexpr Text once{"\"{}\" 只出现一次", "\"{}\" only once"};
inline constexpr Text only_while{"only_while 是某个 component 的名称，而不是 \"{}\"",
                                 "only_while names a component, not \"{}\""};

inline constexpr Text next_problem{"；", "; "};
inline constexpr Text more_problems{"；另有 {} 处", "; and {} more"};
inline constexpr Text in_map{"map：{}", "map: {}"};
inline constexpr Text no_file{"map = \"{}\"：没有这个文件", "map = \"{}\": no such file"};
inline constexpr Text no_text_file{"map = \"{}\"：不是至多 {} 字节的文件",
                                   "map = \"{}\": not a file of at most {} bytes"};
inline constexpr Text unread{"map = \"{}\"：无法读取：{}", "map = \"{}\": cannot be read: {}"};
inline constexpr Text no_map{"map = \"{}\"：没有这个点表（可用：{}，或文件路径）",
                             "map = \"{}\": no such map (known: {}, or a file's path)"};

}  // namespace kw::drivers::modbus::message
