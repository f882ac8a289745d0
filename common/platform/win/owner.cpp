#include "common/platform/owner.hpp"

namespace kw::platform {

/// Files have the rights of their folder here, whoever makes them: the service can read them.
Result<void> become_owner_of(const std::filesystem::path& /*folder*/) { return {}; }

}  // namespace kw::platform
