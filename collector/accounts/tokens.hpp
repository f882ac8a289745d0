#pragma once

#include <string>
#include <string_view>

#include "collector/accounts/authorize.hpp"
#include "collector/writer/writer.hpp"
#include "common/result.hpp"

namespace kw::collector {

inline constexpr auto token_life = std::chrono::hours{72};

/// Makes a one-time enrolment token for a terminal, and the terminal when it is new. Runs inside a
/// write; the token's text is returned once and only its hash is kept.
Result<std::string> make_token(Work& work, const Subject& subject, std::string_view terminal_code,
                               std::string_view ca_pin);

}  // namespace kw::collector
