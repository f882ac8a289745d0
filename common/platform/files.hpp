#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace kw::platform {

/// A path from UTF-8, which is what all our text is. Its own way from a std::string takes every
/// byte for a letter on Windows; back, `path.string()` is UTF-8 everywhere.
inline std::filesystem::path path_of(std::string_view utf8) {
  return std::u8string{utf8.begin(), utf8.end()};
}

/// The whole file. Errc::missing when there is none, Errc::refused when it is not for us to read.
Result<std::string> read_file(const std::filesystem::path& path);

/// Replaces the file at once and durably: written beside it, synced, renamed, folder synced.
/// `secret`: readable by the owner alone (0600), from its first byte on.
Result<void> write_file(const std::filesystem::path& path, std::string_view bytes, bool secret);

/// What was written to the file is on the disk when this returns.
Result<void> sync_file(const std::filesystem::path& path);

/// Gives the file another name on the same volume, durably; what had that name is gone.
Result<void> rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Makes the folder and its parents, the last one 0700 when `secret`.
Result<void> make_folder(const std::filesystem::path& path, bool secret);

}  // namespace kw::platform
