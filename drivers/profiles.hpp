#pragma once

#include <span>
#include <string_view>

namespace kw::drivers {

/// What is particular to one model, as data: a file of `<family>/<protocol>/profiles/`, embedded at
/// build time.
struct Profile {
  std::string_view driver;
  std::string_view model;  ///< the file's name without ".toml"
  std::string_view text;
};

/// Every profile of `driver`, in the order of their names.
std::span<const Profile> profiles_of(std::string_view driver);

}  // namespace kw::drivers
