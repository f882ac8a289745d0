#include "common/clock.hpp"

#include <windows.h>

#include "common/platform/win/handle.hpp"

namespace kw {
namespace {

/// From 1601, where Windows begins to count, to 1970.
constexpr std::int64_t epoch_us = 11'644'473'600'000'000;

/// For Wine, which lacks the better one: GetTickCount64 would stand still for milliseconds.
std::int64_t performance_us() {
  LARGE_INTEGER second{};
  LARGE_INTEGER now{};
  QueryPerformanceFrequency(&second);
  QueryPerformanceCounter(&now);
  const auto rest = now.QuadPart % second.QuadPart;
  return now.QuadPart / second.QuadPart * 1'000'000 + rest * 1'000'000 / second.QuadPart;
}

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
  if (read == nullptr) return mono_from(performance_us());
  ULONGLONG ticks = 0;
  read(&ticks);
  return mono_from(static_cast<std::int64_t>(ticks / 10));
}

}  // namespace kw
