#include "common/platform/win/handle.hpp"

#include <algorithm>
#include <array>

namespace kw::platform {

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    if (handle_ != nullptr) CloseHandle(handle_);
    handle_ = other.release();
  }
  return *this;
}

Handle::~Handle() {
  if (handle_ != nullptr) CloseHandle(handle_);
}

Handle make_event() { return Handle{CreateEventW(nullptr, TRUE, FALSE, nullptr)}; }

std::wstring wide(std::string_view utf8) {
  const auto size = static_cast<int>(utf8.size());
  std::wstring out(
      static_cast<std::size_t>(MultiByteToWideChar(CP_UTF8, 0, utf8.data(), size, nullptr, 0)),
      L'\0');
  MultiByteToWideChar(CP_UTF8, 0, utf8.data(), size, out.data(), static_cast<int>(out.size()));
  return out;
}

std::string utf8(std::wstring_view text) {
  const auto size = static_cast<int>(text.size());
  std::string out(static_cast<std::size_t>(WideCharToMultiByte(CP_UTF8, 0, text.data(), size,
                                                               nullptr, 0, nullptr, nullptr)),
                  '\0');
  WideCharToMultiByte(CP_UTF8, 0, text.data(), size, out.data(), static_cast<int>(out.size()),
                      nullptr, nullptr);
  return out;
}

std::string reason_of(DWORD number) {
  std::array<wchar_t, 512> text{};
  const auto length =
      FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr, number, 0,
                     text.data(), static_cast<DWORD>(text.size()), nullptr);
  auto out = utf8({text.data(), length});
  while (!out.empty() && (out.back() == '\n' || out.back() == '\r' || out.back() == ' ')) {
    out.pop_back();
  }
  return out.empty() ? "error " + std::to_string(number) : out;
}

DWORD wait_ms(MonoTime now, MonoTime deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<DWORD>(std::clamp<std::int64_t>(left, 0, INFINITE - 1));
}

Overlapped::Overlapped() : event_(make_event()) { state_.hEvent = event_.get(); }

Result<DWORD> Overlapped::finish(HANDLE handle, BOOL started, DWORD ms, HANDLE cancelled) {
  if (started == FALSE) {
    const auto why = GetLastError();
    if (why != ERROR_IO_PENDING) return Error{Errc::disconnected, reason_of(why)};
  }
  const std::array<HANDLE, 2> events{event_.get(), cancelled};
  const DWORD count = cancelled == nullptr ? 1 : 2;
  const auto woken = WaitForMultipleObjects(count, events.data(), FALSE, ms);
  if (woken != WAIT_OBJECT_0) CancelIoEx(handle, &state_);
  DWORD moved = 0;
  // Also after calling it back: the system writes into our memory until this returns.
  const bool well = GetOverlappedResult(handle, &state_, &moved, TRUE) != FALSE;
  if (well && (woken == WAIT_OBJECT_0 || moved > 0)) return moved;
  if (woken == WAIT_TIMEOUT) return Error{Errc::timeout, "nothing within the deadline"};
  if (woken == WAIT_OBJECT_0 + 1) return Error{Errc::disconnected, "cancelled"};
  return Error{Errc::disconnected, reason_of(GetLastError())};
}

}  // namespace kw::platform
