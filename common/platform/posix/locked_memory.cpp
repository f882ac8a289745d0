#include "common/platform/locked_memory.hpp"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <openssl/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

namespace kw::platform {

Result<LockedMemory> LockedMemory::make(std::size_t size) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  size = (size + page - 1) / page * page;
  void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) {
    return Error{Errc::refused, std::string{"no memory to lock: "} + std::strerror(errno)};
  }
  if (::mlock(at, size) != 0) {
    const Error error{Errc::refused, std::string{"cannot lock memory: "} + std::strerror(errno)};
    ::munmap(at, size);
    return error;
  }
  // Beside the lock: neither a core dump nor a child process has it. Old kernels know neither.
  ::madvise(at, size, MADV_DONTDUMP);
  ::madvise(at, size, MADV_DONTFORK);
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
  ::munlock(start_, size_);
  ::munmap(start_, size_);
  start_ = nullptr;
}

}  // namespace kw::platform
