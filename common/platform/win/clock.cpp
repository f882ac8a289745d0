#include "common/clock.hpp"

#include <windows.h>

namespace kw {
namespace {

/// From 1601, where Windows begins to count, to 1970.
constexpr std::int64_t epoch_us = 11'644'473'600'000'000;

using ReadInterruptTime = void(WINAPI*)(ULONGLONG*);

/// Counts through sleep, in 100 ns. Not in mingw's import libraries.
ReadInterruptTime interrupt_time() {
  static const auto found = [] {
    const auto module = GetModuleHandleW(L"kernelbase.dll");
    const auto address =
        module == nullptr ? nullptr : GetProcAddress(module, "QueryInterruptTimePrecise");
    return reinterpret_cast<ReadInterruptTime>(reinterpret_cast<void*>(address));
  }();
  return found;
}

}  // namespace

WallTime SystemClock::wall() const {
  FILETIME at{};
  GetSystemTimePreciseAsFileTime(&at);
  const auto ticks = std::int64_t{at.dwHighDateTime} << 32 | at.dwLowDateTime;
  return wall_from(ticks / 10 - epoch_us);
}

MonoTime SystemClock::mono() const {
  const auto read = interrupt_time();
  if (read == nullptr) return mono_from(static_cast<std::int64_t>(GetTickCount64()) * 1'000);
  ULONGLONG ticks = 0;
  read(&ticks);
  return mono_from(static_cast<std::int64_t>(ticks / 10));
}

}  // namespace kw
