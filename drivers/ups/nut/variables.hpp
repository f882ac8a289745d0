#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/wire/conditions.hpp"
#include "common/wire/status.hpp"

namespace kw::drivers::nut {

/// A UPS's variables by name: "ups.status" → "OB DISCHRG".
using Variables = std::map<std::string, std::string, std::less<>>;

/// What is wrong with a UPS and has no standard code.
std::span<const wire::ConditionRow> own_conditions();

/// The status that the variables tell (NUT developer guide, "Variables" and the table of
/// ups.status).
wire::Status status_of(const Variables& variables);

/// The status of a UPS whose server answers in its place: `error` is DATA-STALE or
/// DRIVER-NOT-CONNECTED.
wire::Status unreachable(std::string_view error);

}  // namespace kw::drivers::nut
