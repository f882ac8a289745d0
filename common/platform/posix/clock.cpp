#include "common/clock.hpp"

#include <ctime>

namespace kw {
namespace {

std::int64_t read(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return std::int64_t{ts.tv_sec} * 1'000'000 + ts.tv_nsec / 1'000;
}

}  // namespace

WallTime SystemClock::wall() const { return wall_from(read(CLOCK_REALTIME)); }
MonoTime SystemClock::mono() const { return mono_from(read(CLOCK_BOOTTIME)); }

}  // namespace kw
