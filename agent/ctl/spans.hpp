#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/ctl/table.hpp"
#include "common/clock.hpp"
#include "common/i18n.hpp"

namespace kw::agent::ctl {

/// A length of time in one unit that a person reads at a glance: "365 days", "3 h", "250 ms". The
/// sign is left out.
std::string span_text(Duration length, Lang lang);

/// What `rfc3339` wrote; nothing for any other text.
std::optional<WallTime> from_rfc3339(std::string_view text);

/// A time as the clock on the wall shows it, on its date: "2026-11-22 14:31".
std::string minute_text(WallTime t);
/// The same of a day near today: "11-22 14:31:05".
std::string second_text(WallTime t);
/// How long ago an RFC 3339 time was, by the view's `now`: "12 min"; the text itself when it is no
/// time.
std::string since_text(const std::string& rfc3339, const View& view);
/// "2026-11-22".
std::string day_text(WallTime t);

}  // namespace kw::agent::ctl
