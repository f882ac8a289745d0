#pragma once

#include <string_view>

#include "agent/consumables/account.hpp"

// What the account's counting and its showing share.
namespace kw::agent {

/// The natural day in Asia/Shanghai, the default of every project, since 1970.
std::int64_t day_of(WallTime at);

/// Its figure is shown and judged, and nothing counted: a battery that discharges and is charged is
/// neither used up nor refilled.
bool figure_only(std::string_view type);

SupplyFlag flag_of(const wire::Consumable& said);

}  // namespace kw::agent
