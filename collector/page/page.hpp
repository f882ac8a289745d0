#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/link/http.hpp"

/// The plain live page: a few files without a build step, embedded when the program is built.
namespace kw::collector {

/// The file at `path` with the headers that a strict browser wants (nothing inline, nothing from
/// elsewhere); 304 when `known` (If-None-Match) names it as it is. Nothing: no such file.
std::optional<link::HttpResponse> page_file(std::string_view path, std::string_view known);

/// Changes whenever a file of the page does.
const std::string& page_version();

}  // namespace kw::collector
