#pragma once

#include <string>

#include "common/result.hpp"

namespace kw::agent {

/// The token in `file` (UTF-8 path), made there when there is no file: 256 random bits as 64 hex
/// digits and a line's end, for the agent's own account and the members of `readers` to read. A
/// file that holds anything else is left as it is. Errc::invalid: it holds no token.
Result<std::string> token_in(const std::string& file, const std::string& readers);

}  // namespace kw::agent
