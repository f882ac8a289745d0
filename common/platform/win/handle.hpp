#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <windows.h>

#include "common/clock.hpp"
#include "common/result.hpp"

namespace kw::platform {

/// Owns a handle of the system's.
class Handle {
 public:
  Handle() = default;
  explicit Handle(HANDLE handle) : handle_(handle == INVALID_HANDLE_VALUE ? nullptr : handle) {}
  Handle(Handle&& other) noexcept : handle_(other.release()) {}
  Handle& operator=(Handle&& other) noexcept;
  ~Handle();

  HANDLE get() const { return handle_; }
  explicit operator bool() const { return handle_ != nullptr; }
  HANDLE release() { return std::exchange(handle_, nullptr); }

 private:
  HANDLE handle_ = nullptr;
};

/// An event that stays set until it is reset.
Handle make_event();

/// Text at the system's edge; ours is UTF-8.
std::wstring wide(std::string_view utf8);
std::string utf8(std::wstring_view text);

/// What the system says of its error number, "Access is denied.", without the line's end.
std::string reason_of(DWORD number);

/// A function that the import libraries do not know; null on a system without it.
template <class Function>
Function system_function(const wchar_t* module, const char* name) {
  const auto loaded = GetModuleHandleW(module);
  const auto found = loaded == nullptr ? nullptr : GetProcAddress(loaded, name);
  return reinterpret_cast<Function>(reinterpret_cast<void*>(found));
}

/// How many milliseconds to wait until `deadline`: rounded up, never negative, never for ever.
DWORD wait_ms(MonoTime now, MonoTime deadline);

/// One read or write of a handle that was opened for overlapped use.
class Overlapped {
 public:
  Overlapped();

  OVERLAPPED* get() { return &state_; }

  /// The end of an operation whose start returned `started`: how many bytes it moved. Waits for
  /// `ms` at most, and not when `cancelled` (may be null) is set; then the operation is called
  /// back, and what it had moved by then still counts. Errc::timeout, Errc::disconnected.
  Result<DWORD> finish(HANDLE handle, BOOL started, DWORD ms, HANDLE cancelled);

 private:
  Handle event_;
  OVERLAPPED state_{};
};

}  // namespace kw::platform
