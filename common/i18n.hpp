#pragma once

#include <optional>
#include <string_view>

namespace kw {

enum class Lang { zh_cn, en };

/// What people read, in both languages. Every user-visible text is one of these, kept in a part's
/// table (`messages.hpp`, a driver's condition table), never inline.
struct Text {
  std::string_view zh;
  std::string_view en;

  constexpr std::string_view in(Lang lang) const { return lang == Lang::zh_cn ? zh : en; }
};

/// "zh-CN" or "en" as written in configuration; nothing else is accepted.
std::optional<Lang> lang_from(std::string_view tag);

/// The language of this process's user (LC_ALL, LC_MESSAGES, LANG, in that order; else what Windows
/// shows): Chinese when it starts with "zh", else English.
Lang lang_of_environment();

}  // namespace kw
