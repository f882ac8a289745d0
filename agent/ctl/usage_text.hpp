#pragma once

#include <string>

#include "common/i18n.hpp"

namespace kw::agent::ctl {

/// What CLI11 2 says of a mistake on the command line, which it says in English only (its
/// Error.hpp and Validators.hpp), in the reader's language. A sentence that is not known stays as
/// it is.
std::string usage_text(const std::string& said, Lang lang);

}  // namespace kw::agent::ctl
