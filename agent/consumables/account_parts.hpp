#pragma once

#include "agent/consumables/account.hpp"

// What the account's counting and its showing share.
namespace kw::agent {

/// The natural day in Asia/Shanghai, the default of every project, since 1970.
std::int64_t day_of(WallTime at);

SupplyFlag flag_of(const wire::Consumable& said);

}  // namespace kw::agent
