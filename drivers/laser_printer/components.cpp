#include "drivers/laser_printer/components.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace kw::drivers::laser {

std::vector<wire::Component> components_of(const Findings& findings) {
  using enum wire::ComponentState;
  // Whether a cover, a tray or a fuser is watched at all is not said, so what is not wrong is not
  // listed.
  struct Row {
    std::string_view code;
    std::string_view component;
    wire::ComponentState state;
  };
  constexpr std::array rows{Row{"cover-open", "cover", open},
                            Row{"door-open", "door", open},
                            Row{"interlock-open", "interlock", open},
                            Row{"fuser-over-temp", "fuser", inoperable},
                            Row{"fuser-under-temp", "fuser", inoperable},
                            Row{"opc-life-over", "drum", inoperable},
                            Row{"opc-near-eol", "drum", fading}};
  std::vector<wire::Component> out;
  for (const auto& row : rows) {
    const bool listed = std::ranges::find(out, row.component, &wire::Component::name) != out.end();
    if (findings.has(row.code) && !listed) {
      out.push_back({std::string{row.component}, row.state, true});
    }
  }
  return out;
}

}  // namespace kw::drivers::laser
