#include "agent/ctl/usage_text.hpp"

#include <array>
#include <string_view>

#include <fmt/format.h>

namespace kw::agent::ctl {
namespace {

/// A sentence of CLI11: what stands before, between and behind its one or two variable parts.
struct Sentence {
  std::string_view before;
  std::string_view between;  ///< empty: there is one part only
  std::string_view behind;
  std::string_view zh;
};
constexpr std::array sentences{
    Sentence{"", "", " is required", "缺少 {}"},
    Sentence{"The following argument was not expected: ", "", "", "多余的参数：{}"},
    Sentence{"The following arguments were not expected: ", "", "", "多余的参数：{}"},
    Sentence{"Could not convert: ", "", "", "值不合适：{}"},
    Sentence{"The value ", " is not an allowed value for ", "", "{1} 的值不合适：{0}"},
    Sentence{"", " not in range ", "", "{} 不在 {} 之内"},
    Sentence{"", " not in ", "", "{} 不是 {} 之一"},
    Sentence{"", ": 1 required ", " missing", "{} 之后缺少值（{}）"},
};

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
  std::string out{text};
  if (const auto at = out.find(what); at != std::string::npos) out.replace(at, what.size(), by);
  return out;
}

}  // namespace

std::string usage_text(const std::string& said, Lang lang) {
  if (lang == Lang::en) return said;
  for (const auto& each : sentences) {
    std::string_view rest = said;
    if (!rest.starts_with(each.before) || !rest.ends_with(each.behind)) continue;
    if (rest.size() <= each.before.size() + each.behind.size()) continue;
    rest.remove_prefix(each.before.size());
    rest.remove_suffix(each.behind.size());
    if (each.between.empty()) return fmt::format(fmt::runtime(each.zh), rest);
    const auto at = rest.find(each.between);
    if (at == std::string_view::npos) continue;
    const auto first = replaced(rest.substr(0, at), ": Value ", "：");
    const auto second = replaced(rest.substr(at + each.between.size()), " to ", " 至 ");
    return fmt::format(fmt::runtime(each.zh), first, second);
  }
  return said;
}

}  // namespace kw::agent::ctl
