#include "common/i18n.hpp"

#include <cstdlib>

namespace kw {

std::optional<Lang> lang_from(std::string_view tag) {
  if (tag == "zh-CN") return Lang::zh_cn;
  if (tag == "en") return Lang::en;
  return std::nullopt;
}

Lang lang_of_environment() {
  for (const char* variable : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && *value != '\0') {
      return std::string_view{value}.starts_with("zh") ? Lang::zh_cn : Lang::en;
    }
  }
  return Lang::en;
}

}  // namespace kw
