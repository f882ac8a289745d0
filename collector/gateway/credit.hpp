#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace kw::collector {

/// Who may have how many bytes of counted event frames under way. Pure.
///
/// Every session holds `live` bytes, given back by each ack. A session with a backlog waits for
/// grants from one pool, round-robin, so that a whole fleet's backlog never sits in the collector's
/// memory at once (data path, section 6).
class CreditPool {
 public:
  using SessionId = std::uint64_t;
  static constexpr std::uint32_t live = 4 * 1024;
  static constexpr std::uint32_t grant = 256 * 1024;

  explicit CreditPool(std::uint64_t pool_bytes) : free_(pool_bytes) {}

  /// The credit to put into Welcome.
  std::uint32_t join(SessionId session, bool backlog);
  void leave(SessionId session);

  /// A counted frame arrived. False: it is larger than what the session had left.
  bool spend(SessionId session, std::uint32_t bytes);
  /// It was committed: what goes back with its Ack. `backlog` false returns the grant to the pool.
  std::uint32_t refund(SessionId session, std::uint32_t bytes, bool backlog);

  struct Granted {
    SessionId session;
    std::uint32_t bytes;
  };
  /// The next waiting session that the pool can serve now.
  std::optional<Granted> next_grant();

  std::uint64_t free_bytes() const { return free_; }

 private:
  struct Account {
    std::uint32_t left = 0;
    std::uint32_t granted = 0;  ///< of the pool, on top of `live`
    bool waiting = false;
  };
  void wait(SessionId id, Account& account);

  std::uint64_t free_;
  std::map<SessionId, Account> accounts_;
  std::deque<SessionId> waiting_;
};

}  // namespace kw::collector
