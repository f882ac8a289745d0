#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "common/link/link.hpp"
#include "tests/simulation/counters.hpp"
#include "tests/simulation/rng.hpp"
#include "tests/simulation/time.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::simulation {

enum class Side : std::uint8_t { kiosk, collector };

/// What TCP does between kiosks and a collector, without TLS and WebSocket: each direction of a
/// connection is a stream of bytes in order, delivered in pieces after a delay. A stream can stop
/// (partition) and go on, or break anywhere, also in the middle of a frame. Whoever is gone without
/// a word leaves the other end half open; new connections overtake old ones that linger.
class Network {
 public:
  Network(Time& time, Rng rng, Counters& counters) : time_(time), rng_(rng), counters_(counters) {}

  /// Who listens; nullptr: nobody, connections are refused.
  link::Host* host = nullptr;
  /// Told what the collector's process reads and sends, whole envelopes.
  std::function<void(int kiosk, const pb::Envelope&, bool quarantined)> on_read;
  std::function<void(int kiosk, const pb::Envelope&, bool sole)> on_sent;
  /// Every so many batch frames one is swallowed (sabotage); 0: none.
  std::uint64_t swallow_every = 0;

  /// The kiosk's way out: `Uplink`'s Dial. `alive` false: the process that dials is no more.
  Task<Result<std::unique_ptr<link::Link>>> dial(int kiosk, std::shared_ptr<const bool> alive,
                                                 Duration step,
                                                 std::optional<link::Refusal>* declined);

  /// Nothing passes, in one direction or both, until `heal`.
  void part(int kiosk, bool up, bool down);
  void heal(int kiosk);
  /// Breaks every connection of the kiosk after `bytes` more of its bytes.
  void cut_after(int kiosk, std::size_t bytes);
  /// The process is gone: `spoken`, its system says so; else the other end knows nothing.
  void process_ended(Side side, int kiosk, bool spoken);

  bool connected(int kiosk) const;
  /// The longest queue that any end holds now, in frames.
  std::size_t longest_queue() const;

 private:
  friend class SimulatedLink;
  struct Connection;
  struct Piece {
    std::string bytes;
    bool end = false;
  };
  /// One end of a connection.
  struct End {
    bool open = true;     ///< the process has it
    bool broken = false;  ///< nothing comes or goes any more
    bool said_end = false;
    std::uint16_t close_code = 0;
    std::deque<std::string> inbox;
    std::string partial;
    std::deque<Piece> held;  ///< towards this end, behind a partition
    Duration last_arrival{};
    asio::steady_timer* arrived = nullptr;
  };
  struct Connection {
    int kiosk = 0;
    bool sole = true;  ///< no other one of this kiosk was open beside it
    bool greeted = false;
    bool quarantined = false;
    bool dead = false;
    std::optional<std::size_t> cut_at;
    End ends[2];
    link::PeerCertificate peer;
    std::string remote;
  };
  using Shared = std::shared_ptr<Connection>;

  bool parted(int kiosk, Side towards) const;
  static End& end(Connection& c, Side side) { return c.ends[static_cast<int>(side)]; }
  static Side other(Side side) { return side == Side::kiosk ? Side::collector : Side::kiosk; }
  void push(const Shared& c, Side towards, Piece piece);
  void schedule(const Shared& c, Side towards, Piece piece);
  void arrive(const Shared& c, Side at, Piece piece);
  void take_frames(Connection& c, Side at);
  void snap(Connection& c, Side at);
  void give_up_later(const Shared& c, Side sender);
  void forget_dead();
  Duration latency();

  Time& time_;
  Rng rng_;
  Counters& counters_;
  std::uint64_t next_ = 1;
  std::uint64_t batches_ = 0;
  std::vector<Shared> all_;
  std::map<int, std::pair<bool, bool>> parted_;  ///< kiosk → (up, down)
};

}  // namespace kw::simulation
