#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "common/clock.hpp"

namespace kw::agent {

/// Whether a citizen is being served now, as the business application says: for the agent's status
/// and for whatever must leave a device alone meanwhile. Any thread.
class Serving {
 public:
  struct Open {
    std::string session;
    std::string application;
    WallTime since{};
  };
  struct Ended {
    std::string session;
    std::string reason;
    WallTime at{};
  };

  bool active() const {
    const std::lock_guard lock{mutex_};
    return open_.has_value();
  }
  std::optional<Open> open() const {
    const std::lock_guard lock{mutex_};
    return open_;
  }
  /// The last session that ended in this run.
  std::optional<Ended> ended() const {
    const std::lock_guard lock{mutex_};
    return ended_;
  }
  void begin(Open session) {
    const std::lock_guard lock{mutex_};
    open_ = std::move(session);
  }
  void end(Ended how) {
    const std::lock_guard lock{mutex_};
    open_.reset();
    ended_ = std::move(how);
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Open> open_;
  std::optional<Ended> ended_;
};

}  // namespace kw::agent
