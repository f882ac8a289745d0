#pragma once

#include <optional>

#include "agent/ctl/check.hpp"

namespace kw::agent::ctl {

/// What is known about time when a kiosk has shaken hands with a collector.
struct Dates {
  struct Span {
    WallTime from{};
    WallTime until{};
    bool holds(WallTime t) const { return from <= t && t <= until; }
  };
  WallTime kiosk{};
  std::optional<WallTime> collector;  ///< as the collector says; nothing when it does not
  Span server;                        ///< the collector's certificate
  Span own;                           ///< the kiosk's
};

/// Tells a wrong clock from an old certificate: who is right is what the collector's time and the
/// dates of the certificates agree on. A clock that is wrong by more than a day fails even where no
/// certificate suffers yet: those made tomorrow would. Pure.
Check judge_dates(const CheckWriter& step, const Dates& dates);

}  // namespace kw::agent::ctl
