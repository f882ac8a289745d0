#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/catalogue.hpp"
#include "tests/support/temp_folder.hpp"

namespace kw::drivers {

using tests::TempFolder;

using Given = std::map<std::string, std::string, std::less<>>;

/// The driver of the catalogue's card `name`, or why it cannot be made.
inline Result<std::unique_ptr<Driver>> make_driver(std::string_view name, const Given& given = {}) {
  const Card* card = find(name);
  std::vector<Error> problems;
  const auto settings = Settings::read(card->settings, given, problems);
  if (!problems.empty()) return problems.front();
  auto made = card->make(settings);
  if (!made) return made.error();
  return std::move(*made);
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
