#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "common/wire/status.hpp"

namespace kw::agent {

/// The last look at one device, as it was, before any debouncing.
struct Look {
  wire::Status status;
  MonoTime at{};
  Duration took{};
  int misses = 0;  ///< in a row
};

/// What the workers saw last, for whoever asks. Any thread.
class Board {
 public:
  void put(const std::string& device, Look look) {
    const std::lock_guard lock{mutex_};
    looks_[device] = std::move(look);
  }
  std::map<std::string, Look> all() const {
    const std::lock_guard lock{mutex_};
    return looks_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Look> looks_;
};

}  // namespace kw::agent
