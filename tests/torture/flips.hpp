#pragma once

#include <filesystem>
#include <random>

#include "tests/torture/image.hpp"

namespace kw::torture {

/// What is in the folder, as kill -9 would leave it.
Image image_of(const std::filesystem::path& folder);

/// One flipped bit in one of the files; every tenth time an end that is missing, or a zeroed page.
Image damaged(const Image& whole, std::mt19937_64& random);

}  // namespace kw::torture
