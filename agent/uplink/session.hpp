#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/outbox/types.hpp"
#include "agent/uplink/inventory.hpp"
#include "common/wire/close_codes.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::agent {

/// What a session wants done, in this order.
namespace act {
struct Send {
  pb::Envelope envelope;
};
/// Read one batch from the outbox and hand it back with `Session::read`. One at a time.
struct Read {
  std::uint64_t epoch;
  std::uint64_t after;
  Budget budget;
};
struct Acknowledge {
  std::uint64_t epoch;
  std::uint64_t upto;
};
struct Rewind {
  std::uint64_t epoch;
  std::uint64_t upto;
};
struct ClockOffset {
  std::uint64_t epoch;
  std::int64_t offset_us;
};
/// Welcome came: the collector is reached.
struct Established {
  bool quarantined;
};
/// The collector asks this kiosk to do something once.
struct Order {
  pb::Command command;
};
/// The collector's idea of agent.toml.
struct Configure {
  pb::Configuration configuration;
};
/// The last action: after it nothing is done any more.
struct Close {
  std::uint16_t code;
  std::string reason;
};
}  // namespace act

using Action = std::variant<act::Send, act::Read, act::Acknowledge, act::Rewind, act::ClockOffset,
                            act::Established, act::Order, act::Configure, act::Close>;
using Actions = std::vector<Action>;

/// One conversation with a collector, from Hello to close, exactly as PROTOCOL.md has it. A pure
/// state machine: it is told what happened and when, and returns what to do.
class Session {
 public:
  struct Options {
    Duration heartbeat = std::chrono::seconds{30};
    Duration reply_limit = std::chrono::seconds{30};  ///< for Welcome and wanted replies
    Duration ack_limit = std::chrono::seconds{90};    ///< for a batch under way
    int in_flight = 8;                                ///< batches
  };
  enum class Phase { greeting, draining, live, ended };

  /// `view` is the outbox as it stands; every later append must be told with `appended`.
  Session(const Options& options, const SessionFacts& facts, const OutboxView& view);

  Actions start(const Seen& now);
  Actions received(const pb::Envelope& envelope, const Seen& now);
  Actions read(std::optional<pb::Batch> batch, const Seen& now);
  Actions appended(const Appended& what, const Seen& now);
  Actions tick(const Seen& now);
  /// When `tick` has something to do, if nothing else happens before.
  MonoTime wakes_at() const;

  Phase phase() const;
  /// Nothing written is unacknowledged.
  bool all_acknowledged() const;
  /// What to do after the end, given the close code that the peer sent (0: none).
  wire::AfterClose after_end(std::uint16_t peer_code) const;
  /// The close code that the peer gave, by Bye or else in `peer_code` (0: none).
  std::uint16_t told_code(std::uint16_t peer_code) const { return told_ != 0 ? told_ : peer_code; }
  /// The pause that the collector asked for.
  std::optional<Duration> hint() const { return hint_; }

 private:
  struct Lane {  ///< one epoch
    EpochView held;
    std::uint64_t sent = 0;
    std::uint64_t sent_most = 0;
  };
  struct Flight {
    std::uint64_t epoch;
    std::uint64_t first;
    std::uint64_t last;
    MonoTime sent_at;
  };
  struct Refusal {
    std::uint64_t epoch = 0;
    std::uint64_t from = 0;
    int times = 0;
    int echoes = 0;  ///< refusals of batches that were under way behind the refused one
  };

  void welcome(const pb::Welcome& in, const Seen& now);
  void acknowledged(const pb::Ack& in);
  void resend(const pb::Resend& in);
  void reply(const pb::HeartbeatReply& in, const Seen& now);
  void pump();
  void heartbeat(pb::Heartbeat& out, const Seen& now);
  void snapshots();
  void send_inventory();
  void note_drained();
  void grant(std::uint64_t bytes);
  void close(const wire::CloseCode& code, std::string reason);
  Lane* lane(std::uint64_t epoch);
  Lane& current() { return lanes_.back(); }
  std::uint64_t unsent() const;
  Actions take();
  Action& add(pb::Envelope envelope);

  Options options_;
  SessionFacts facts_;
  std::vector<Lane> lanes_;
  std::map<std::string, pb::Status> statuses_;
  std::map<std::string, wire::Identity> identities_;
  Actions out_;

  bool welcomed_ = false;
  bool drained_ = false;
  bool told_undrained_ = false;
  bool leaving_ = false;  ///< Drain came: what is under way is still acknowledged
  bool ended_ = false;
  bool reading_ = false;
  bool starved_ = false;  ///< the next counted batch does not fit the credit
  std::uint64_t credit_ = 0;
  std::uint64_t read_credit_ = 0;  ///< what there was when the read under way was asked for
  std::deque<Flight> flights_;
  Refusal refusal_;
  int heartbeats_ = 0;
  MonoTime started_{};
  Seen hello_{};
  MonoTime next_heartbeat_{};
  std::optional<MonoTime> reply_due_;
  std::optional<MonoTime> starved_since_;
  std::optional<MonoTime> inventory_due_;
  std::optional<Duration> hint_;
  std::optional<wire::AfterClose> then_;
  std::uint16_t told_ = 0;  ///< the code of Bye, Drain or Busy
};

}  // namespace kw::agent
