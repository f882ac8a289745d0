#pragma once

#include <filesystem>
#include <string>

#include "common/identity/keys.hpp"
#include "common/identity/random.hpp"

namespace kw::tests {

/// A folder of its own that goes with the test.
class TempFolder {
 public:
  TempFolder() {
    const auto name = "kw-" + identity::to_hex(identity::random_bytes(8));
    path_ = std::filesystem::temp_directory_path() / name;
    std::filesystem::create_directory(path_);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code none;
    std::filesystem::remove_all(path_, none);
  }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace kw::tests
