#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "common/result.hpp"

namespace kw::platform {

/// Memory for what must not outlive its use: it is never written to swap, is left out of core dumps
/// where the system can, and is overwritten when the object goes. One thread at a time.
class LockedMemory {
 public:
  /// At least `size` bytes, all zero. Errc::refused when the system does not let us lock them.
  static Result<LockedMemory> make(std::size_t size);

  LockedMemory(LockedMemory&& other) noexcept;
  LockedMemory& operator=(LockedMemory&& other) noexcept;
  ~LockedMemory();

  std::span<std::uint8_t> bytes() { return {start_, size_}; }

  /// Overwrites everything, in a way that is not optimised away.
  void wipe() noexcept;

 private:
  LockedMemory(std::uint8_t* start, std::size_t size) : start_(start), size_(size) {}
  void release() noexcept;

  std::uint8_t* start_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace kw::platform
