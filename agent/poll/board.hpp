#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/wire/status.hpp"

namespace kw::agent {

/// The last look at one device, as it was, before any debouncing.
struct Look {
  wire::Status status;
  MonoTime at{};
  Duration took{};
  int misses = 0;                       ///< in a row
  std::optional<MonoTime> reported_at;  ///< of the application's report that is the status now
};

/// What the workers saw last, for whoever asks. Any thread.
class Board {
 public:
  void put(const std::string& device, Look look) {
    const std::lock_guard lock{mutex_};
    looks_[device] = std::move(look);
  }
  /// Forgets the devices that are not among these.
  void retain(const std::vector<std::string>& devices) {
    const std::lock_guard lock{mutex_};
    std::erase_if(looks_, [&](const auto& look) {
      return std::ranges::find(devices, look.first) == devices.end();
    });
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
