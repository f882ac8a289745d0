#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include "common/clock.hpp"

namespace kw::collector {

/// What an address did lately, in bounded memory. Pure.
class Recently {
 public:
  Recently(std::size_t times, Duration within) : times_(times), within_(within) {}

  void note(const std::string& address, MonoTime now) {
    if (seen_.size() >= addresses_remembered) seen_.erase(seen_.begin());
    auto& times = seen_[address];
    times.push_back(now);
    if (times.size() > times_) times.pop_front();
  }
  /// It did so as often as is allowed.
  bool too_often(const std::string& address, MonoTime now) {
    const auto it = seen_.find(address);
    if (it == seen_.end()) return false;
    auto& times = it->second;
    while (!times.empty() && now - times.front() > within_) times.pop_front();
    if (times.empty()) {
      seen_.erase(it);
      return false;
    }
    return times.size() >= times_;
  }

 private:
  static constexpr std::size_t addresses_remembered = 10'000;
  std::size_t times_;
  Duration within_;
  std::map<std::string, std::deque<MonoTime>> seen_;
};

}  // namespace kw::collector
