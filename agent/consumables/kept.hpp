#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/consumables/account.hpp"

namespace kw::agent {

/// What is remembered of a consumable as one JSON object. Keys may be added, never change their
/// meaning: an older agent reads what it knows.
std::string kept_text(const AccountState& state);

/// Nothing when it is no such object; a figure that cannot be is not known.
std::optional<AccountState> kept_state(std::string_view text);

}  // namespace kw::agent
