#include "agent/ctl/link_dates.hpp"

#include <algorithm>

#include "agent/ctl/link_messages.hpp"
#include "agent/ctl/spans.hpp"
#include "common/identity/authority.hpp"

namespace kw::agent::ctl {
namespace {

constexpr Duration clock_fails = identity::back_dated;
constexpr Duration clock_warns = std::chrono::minutes{2};
constexpr Duration soon = 7 * identity::day;

std::string_view direction(Duration ahead, Lang lang) {
  const auto& text = ahead > Duration::zero() ? message::clock_ahead : message::clock_behind;
  return text.in(lang);
}

/// Judged by one clock alone.
std::optional<Check> outside(const CheckWriter& step, const Dates& dates, WallTime now) {
  const auto lang = step.lang();
  const auto& [server, own] = std::tie(dates.server, dates.own);
  if (now > server.until) {
    return step.failed(message::link_server_expired, day_text(server.until),
                       span_text(now - server.until, lang));
  }
  if (now < server.from) {
    return step.failed(message::link_server_not_yet, day_text(server.from),
                       span_text(server.from - now, lang));
  }
  if (now > own.until) {
    return step.failed(message::link_own_expired, day_text(own.until),
                       span_text(now - own.until, lang));
  }
  if (now < own.from) {
    return step.failed(message::link_own_not_yet, day_text(own.from),
                       span_text(own.from - now, lang));
  }
  return std::nullopt;
}

}  // namespace

Check judge_dates(const CheckWriter& step, const Dates& dates) {
  const auto lang = step.lang();
  const auto now = dates.collector.value_or(dates.kiosk);
  if (auto wrong = outside(step, dates, now)) return std::move(*wrong);
  const auto ahead = dates.kiosk - now;
  const auto off = std::max(ahead, -ahead);
  const bool kiosk_outside = !dates.server.holds(dates.kiosk) || !dates.own.holds(dates.kiosk);
  if (kiosk_outside || off > clock_fails) {
    return step.failed(message::link_clock_wrong, direction(ahead, lang), span_text(off, lang),
                       minute_text(dates.kiosk), minute_text(now));
  }
  if (off > clock_warns) {
    return step.warned(message::link_clock_drift, direction(ahead, lang), span_text(off, lang));
  }
  if (dates.own.until - now < soon) {
    return step.warned(message::link_own_ends_soon, day_text(dates.own.until),
                       span_text(dates.own.until - now, lang));
  }
  if (!dates.collector) {
    return step.well(message::link_dates_unsure, day_text(dates.server.until),
                     day_text(dates.own.until));
  }
  return step.well(message::link_dates_ok, day_text(dates.server.until), day_text(dates.own.until),
                   span_text(off, lang));
}

}  // namespace kw::agent::ctl
