#pragma once

#include <filesystem>

namespace kw::tests {

/// Whether nobody but its owner, and on Windows the system and the administrators, may do anything
/// with a file or folder.
bool owners_alone(const std::filesystem::path& path);

}  // namespace kw::tests
