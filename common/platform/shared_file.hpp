#pragma once

#include <filesystem>
#include <string_view>

#include "common/result.hpp"

namespace kw::platform {

/// Who may read one of our files: this process's account, and the members of the group `readers`
/// (UTF-8; Windows: that account or group, beside the system and the administrators); nobody else,
/// and only this process's account may write. Empty: this account alone. Errc::missing when there
/// is no such group, Errc::refused when it is not for us to give (POSIX: we are no member of it).
Result<void> share_file(const std::filesystem::path& file, std::string_view readers);

}  // namespace kw::platform
