#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

#include "drivers/catalogue.hpp"

namespace kw::drivers {

/// A folder of its own, gone at the end of the test.
class TempFolder {
 public:
  TempFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "kw-drivers-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

using Given = std::map<std::string, std::string, std::less<>>;

/// The driver of the catalogue's card `name`, or why it cannot be made.
inline Result<std::unique_ptr<Driver>> make_driver(std::string_view name, const Given& given = {}) {
  const Card* card = find(name);
  std::vector<Error> problems;
  const auto settings = Settings::read(card->settings, given, problems);
  if (!problems.empty()) return problems.front();
  return card->make(settings);
}

inline const wire::Condition* condition_of(const wire::Status& status, std::string_view code) {
  for (const auto& c : status.conditions) {
    if (c.code == code) return &c;
  }
  return nullptr;
}

inline std::vector<std::string> codes_of(const wire::Status& status) {
  std::vector<std::string> out;
  for (const auto& c : status.conditions) out.push_back(c.code);
  return out;
}

}  // namespace kw::drivers
