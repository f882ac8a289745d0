#pragma once

#include <string>

namespace kw::platform {

/// What names this machine and this boot of it.
struct HostFacts {
  std::string boot_id;  ///< 16 bytes; the same within one boot, another one after it
  std::string hostname;
  std::string os;  ///< "Debian GNU/Linux 12 (bookworm)"
};

/// Never fails: what cannot be found is empty, a boot id that cannot be found is random.
HostFacts host_facts();

}  // namespace kw::platform
