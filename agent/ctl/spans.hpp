#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/i18n.hpp"

namespace kw::agent::ctl {

/// A length of time in one unit that a person reads at a glance: "365 days", "3 h", "250 ms". The
/// sign is left out.
std::string span_text(Duration length, Lang lang);

/// What `rfc3339` wrote; nothing for any other text.
std::optional<WallTime> from_rfc3339(std::string_view text);

/// A time of day on its date, UTC: "2026-11-22 06:31".
std::string minute_text(WallTime t);
/// "2026-11-22".
std::string day_text(WallTime t);

}  // namespace kw::agent::ctl
