#include "common/clock.hpp"

#include <windows.h>

#include "common/platform/win/handle.hpp"

namespace kw {
namespace {

/// From 1601, where Windows begins to count, to 1970.
constexpr std::int64_t epoch_us = 11'644'473'600'000'000;

using ReadInterruptTime = void(WINAPI*)(ULONGLONG*);

}  // namespace

WallTime SystemClock::wall() const {
  FILETIME at{};
  GetSystemTimePreciseAsFileTime(&at);
  const auto ticks = std::int64_t{at.dwHighDateTime} << 32 | at.dwLowDateTime;
  return wall_from(ticks / 10 - epoch_us);
}

MonoTime SystemClock::mono() const {
  // Counts through sleep, in 100 ns.
  static const auto read =
      platform::system_function<ReadInterruptTime>(L"kernelbase.dll", "QueryInterruptTimePrecise");
  if (read == nullptr) return mono_from(static_cast<std::int64_t>(GetTickCount64()) * 1'000);
  ULONGLONG ticks = 0;
  read(&ticks);
  return mono_from(static_cast<std::int64_t>(ticks / 10));
}

}  // namespace kw
