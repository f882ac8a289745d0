#pragma once

#include <filesystem>
#include <string>

#include "common/result.hpp"

namespace kw::platform {

/// For a command that the administrator runs on a service's folder: goes on as the user whom the
/// folder belongs to, for good, so that the service can read what the command writes. Does nothing
/// when there is no such folder yet, when it belongs to the administrator, and for everybody else.
Result<void> become_owner_of(const std::filesystem::path& folder);

/// The account that runs this process, for records of who did what: "root", "root (sudo alice)",
/// the number when it has no name. Before `become_owner_of`.
std::string account_name();

}  // namespace kw::platform
