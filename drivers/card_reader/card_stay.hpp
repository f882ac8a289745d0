#pragma once

#include <algorithm>
#include <optional>

#include "common/clock.hpp"

namespace kw::drivers {

/// How long a card has been seen without a break. A poll that is missed or fails, or a gap, is one:
/// another card may have come meanwhile.
class CardStay {
 public:
  /// `limit`: longer than this was left behind; zero: never.
  explicit CardStay(Duration limit) : limit_(limit) {}

  /// What this poll saw: whether the card that is there was left behind.
  bool left_behind(bool present, MonoTime now) {
    const bool gap = seen_ && now - *seen_ > std::max<Duration>(limit_ / 3, shortest_gap);
    if (!present || gap) since_.reset();
    seen_ = now;
    if (!present) return false;
    if (!since_) since_ = now;
    return limit_ > Duration::zero() && now - *since_ > limit_;
  }

  /// This poll did not see where the card is.
  void unseen() { since_.reset(); }

 private:
  /// Several intervals of a card reader's polls.
  static constexpr Duration shortest_gap = std::chrono::seconds{60};

  Duration limit_;
  std::optional<MonoTime> since_;
  std::optional<MonoTime> seen_;
};

}  // namespace kw::drivers
