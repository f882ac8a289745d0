#include "common/clock.hpp"

#include <fmt/format.h>

namespace kw {

std::string rfc3339(WallTime t) {
  using namespace std::chrono;
  const auto since = floor<milliseconds>(t.time_since_epoch());
  const sys_time<milliseconds> at{since};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int{date.year()},
                     unsigned{date.month()}, unsigned{date.day()}, time.hours().count(),
                     time.minutes().count(), time.seconds().count(), time.subseconds().count());
}

}  // namespace kw
