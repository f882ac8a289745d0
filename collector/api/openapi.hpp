#pragma once

#include <string>

namespace kw::collector {

/// openapi.yaml as it stood when this program was built.
std::string openapi_yaml();

}  // namespace kw::collector
