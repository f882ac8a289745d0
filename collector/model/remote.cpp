#include "collector/model/remote.hpp"

namespace kw::collector {

std::string_view name(CommandState v) {
  static constexpr std::array<std::string_view, 7> names{
      "waiting", "sent", "done", "failed", "expired", "refused", "interrupted"};
  return names[static_cast<std::size_t>(v)];
}

std::string_view name(ConfigurationState v) {
  static constexpr std::array<std::string_view, 4> names{"pending", "applied", "refused",
                                                         "rolled_back"};
  return names[static_cast<std::size_t>(v)];
}

}  // namespace kw::collector
