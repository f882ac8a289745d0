#include "common/platform/locked_memory.hpp"

#include <string>
#include <utility>

#include <openssl/crypto.h>
#include <windows.h>

namespace kw::platform {

Result<LockedMemory> LockedMemory::make(std::size_t size) {
  SYSTEM_INFO system{};
  GetSystemInfo(&system);
  const std::size_t page = system.dwPageSize;
  size = (size + page - 1) / page * page;
  void* at = VirtualAlloc(nullptr, size, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
  if (at == nullptr) {
    return Error{Errc::refused, "no memory to lock: error " + std::to_string(GetLastError())};
  }
  if (VirtualLock(at, size) == 0) {
    const Error error{Errc::refused, "cannot lock memory: error " + std::to_string(GetLastError())};
    VirtualFree(at, 0, MEM_RELEASE);
    return error;
  }
  return LockedMemory{static_cast<std::uint8_t*>(at), size};
}

LockedMemory::LockedMemory(LockedMemory&& other) noexcept
    : start_(std::exchange(other.start_, nullptr)), size_(std::exchange(other.size_, 0)) {}

LockedMemory& LockedMemory::operator=(LockedMemory&& other) noexcept {
  if (this == &other) return *this;
  release();
  start_ = std::exchange(other.start_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

LockedMemory::~LockedMemory() { release(); }

void LockedMemory::wipe() noexcept { OPENSSL_cleanse(start_, size_); }

void LockedMemory::release() noexcept {
  if (start_ == nullptr) return;
  wipe();
  VirtualUnlock(start_, size_);
  VirtualFree(start_, 0, MEM_RELEASE);
  start_ = nullptr;
}

}  // namespace kw::platform
