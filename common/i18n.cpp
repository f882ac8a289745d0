#include "common/i18n.hpp"

#include "common/platform/process.hpp"

namespace kw {

std::optional<Lang> lang_from(std::string_view tag) {
  if (tag == "zh-CN") return Lang::zh_cn;
  if (tag == "en") return Lang::en;
  return std::nullopt;
}

Lang lang_of_environment() {
  return platform::user_language().starts_with("zh") ? Lang::zh_cn : Lang::en;
}

}  // namespace kw
