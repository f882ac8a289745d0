#pragma once

#include <type_traits>

#include <fmt/format.h>

#include "common/bilingual.hpp"

namespace kw {

/// `text` with its {} filled in, in both languages. What itself is in two languages (Text,
/// Bilingual) goes in in each.
template <class... Args>
Bilingual filled(const Text& text, const Args&... args) {
  const auto in = [&](Lang lang) {
    const auto one = [lang](const auto& arg) -> decltype(auto) {
      using Arg = std::remove_cvref_t<decltype(arg)>;
      if constexpr (std::is_same_v<Arg, Text> || std::is_same_v<Arg, Bilingual>) {
        return arg.in(lang);
      } else {
        return (arg);
      }
    };
    return fmt::format(fmt::runtime(text.in(lang)), one(args)...);
  };
  return {in(Lang::zh_cn), in(Lang::en)};
}

}  // namespace kw
