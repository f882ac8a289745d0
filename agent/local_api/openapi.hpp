#pragma once

#include <string_view>

namespace kw::agent {

/// The data assistant's openapi.yaml.
std::string_view assistant_openapi();

}  // namespace kw::agent
