#pragma once

#include <string>
#include <utility>

#include "common/i18n.hpp"

namespace kw {

/// A Text that was put together at run time. What is code and no sentence ("baud, data, parity") is
/// the same in both languages.
struct Bilingual {
  std::string zh;
  std::string en;

  Bilingual() = default;
  Bilingual(std::string both) : zh(both), en(std::move(both)) {}
  Bilingual(const char* both) : Bilingual(std::string{both}) {}
  Bilingual(const Text& text) : zh(text.zh), en(text.en) {}
  Bilingual(std::string in_zh, std::string in_en) : zh(std::move(in_zh)), en(std::move(in_en)) {}

  const std::string& in(Lang lang) const { return lang == Lang::zh_cn ? zh : en; }
  bool operator==(const Bilingual&) const = default;
};

}  // namespace kw
