#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/ingest/admit.hpp"
#include "collector/model/remote.hpp"
#include "collector/model/view.hpp"
#include "common/result.hpp"

namespace kw::collector {

/// Events as received, kept as one row (data path, section 4).
struct Block {
  TerminalKey terminal = 0;
  std::uint64_t epoch = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  WallTime base_at{};  ///< corrected time of the batch's base; an event is at base_at + its mono_us
  bool uncertain = false;
  WallTime first_at{};
  WallTime last_at{};
  WallTime received_at{};
  std::string body;  ///< pb::Batch
};

struct EpochBook {
  std::vector<EpochMark> marks;
  std::int64_t next_no = 1;
};

struct DueTimer {
  TerminalKey terminal = 0;
  TimerKind kind = TimerKind::hold;
  WallTime due{};
};

/// A kiosk's certificate as the serial list has it.
struct CertificateRow {
  std::string serial;
  TerminalKey terminal = 0;
  std::string terminal_code;
  bool revoked = false;
  bool used = false;                      ///< a session stood on it
  std::optional<WallTime> superseded_at;  ///< when a newer one of its terminal was first used
};

struct TokenRow {
  TerminalKey terminal = 0;
  std::string terminal_code;
  WallTime expires_at{};
  bool used = false;
};

class IdentityBook;

/// The writer's side of the store: one thread, one transaction at a time. The verbs are those of
/// the domain; the same contract and the same tests will hold for other databases.
///
/// Failure is sticky inside a transaction: a verb after a failed one does nothing and reads
/// nothing; `transact` and `part` tell. Nothing read then is acted upon, because all of it is
/// undone.
class Store {
 public:
  virtual ~Store() = default;

  /// Runs `work` in one transaction. On any failure nothing of it was kept.
  virtual Result<void> transact(const std::function<void()>& work) = 0;
  /// A part of the running transaction that can fail alone.
  virtual Result<void> part(const std::function<Result<void>()>& work) = 0;

  // Terminals
  virtual std::optional<Terminal> find_terminal(std::string_view code) = 0;
  virtual TerminalKey make_terminal(std::string_view code, WallTime now) = 0;
  virtual std::vector<TerminalKey> terminals_in_service() = 0;
  virtual TerminalView view(TerminalKey terminal) = 0;
  virtual std::optional<Fault> known_fault(TerminalKey terminal, std::string_view subject,
                                           std::string_view code, const Since& since) = 0;
  virtual std::optional<WallTime> last_cleared(TerminalKey terminal, std::string_view subject,
                                               std::string_view code) = 0;
  virtual void apply(TerminalKey terminal, const Changes& changes) = 0;
  /// Whether device timers run on the wall clock: the terminal is drained and has told its state.
  virtual void set_live(TerminalKey terminal, bool live) = 0;
  /// The session's first snapshot is taken. Until then the wall clock fires no device timer, not
  /// even one that a snapshot began: what is due may have healed while nobody heard.
  virtual void set_told(TerminalKey terminal) = 0;
  /// Opens or ends the terminal's session; it has told nothing yet.
  virtual void set_session(TerminalKey terminal, bool connected, WallTime at,
                           std::string_view agent_version) = 0;
  /// After a start: nobody is connected yet. Whoever was not known to be silent before counts as
  /// heard `at`: while the collector was away nobody could be.
  virtual void disconnect_all(WallTime at) = 0;
  virtual void set_inventory(TerminalKey terminal, std::string_view hash,
                             std::string_view inventory) = 0;
  virtual std::string inventory_hash(TerminalKey terminal) = 0;

  // Epochs and blocks
  virtual EpochBook epochs(TerminalKey terminal) = 0;
  virtual std::optional<EpochMark> mark(TerminalKey terminal, std::uint64_t epoch) = 0;
  /// The highest number of the epoch in any block, kept aside or not; 0 without one.
  virtual std::uint64_t stored_upto(TerminalKey terminal, std::uint64_t epoch) = 0;
  virtual void put_epochs(TerminalKey terminal, const EpochPlan& plan) = 0;
  /// Moves the mark from `from` to `to`; false when it no longer stood at `from`.
  virtual bool advance(TerminalKey terminal, std::uint64_t epoch, std::uint64_t from,
                       std::uint64_t to, WallTime last_at) = 0;
  virtual void keep(const Block& block) = 0;
  virtual void quarantine(const Block& block, std::string_view why) = 0;

  // Timers and orders
  /// No silence timer is due before `until`, and nobody counts as silent from before `heard`
  /// (WallTime{}: as before).
  virtual void postpone_silence(WallTime until, WallTime heard) = 0;
  /// Kept over restarts, and only ever moved on: kiosks were sent away and cannot be back before.
  virtual void keep_silence_floor(WallTime until) = 0;
  virtual WallTime silence_floor() = 0;
  virtual std::vector<DueTimer> due_timers(WallTime now, std::size_t n) = 0;
  virtual std::optional<WallTime> next_timer() = 0;
  /// The timers that `due` names are tried again at `to`.
  virtual void put_off(const DueTimer& due, WallTime to) = 0;
  virtual std::string next_order_number(std::string_view day) = 0;
  virtual std::optional<Order> find_order(std::string_view id_or_number) = 0;
  /// When the commit that made the order had returned: known only after it.
  virtual void set_order_committed(std::string_view id, WallTime at) = 0;

  // Identity
  virtual std::vector<CertificateRow> certificates() = 0;
  virtual void put_certificate(const CertificateRow& row, WallTime not_after, WallTime now) = 0;
  virtual void put_token(std::string_view hash, TerminalKey terminal, WallTime expires_at,
                         WallTime now) = 0;
  virtual std::optional<TokenRow> find_token(std::string_view hash) = 0;
  virtual void use_token(std::string_view hash, WallTime now) = 0;

  // Asked from afar: commands
  /// Stores it under the terminal's next number, which is returned; old ended ones are forgotten.
  virtual std::uint64_t put_command(const Command& command) = 0;
  virtual std::optional<Command> find_command(std::string_view id) = 0;
  /// Those without an end and not yet due to expire, in `seq` order.
  virtual std::vector<Command> open_commands(TerminalKey terminal, WallTime now) = 0;
  virtual void set_commands_sent(TerminalKey terminal, std::uint64_t upto, WallTime now) = 0;
  /// The command's state, times, texts and bundle.
  virtual void update_command(const Command& command) = 0;
  /// Ends what is due, and sets the terminal's command timer to the next; returns the ids ended.
  virtual std::vector<std::string> expire_commands(TerminalKey terminal, WallTime now) = 0;

  // Asked from afar: configuration
  /// The one that counts; its body is empty when what was pushed is taken back.
  virtual std::optional<PushedConfiguration> newest_configuration(TerminalKey terminal) = 0;
  /// Newest first, at most the ten that are kept, without bodies.
  virtual std::vector<PushedConfiguration> configurations(TerminalKey terminal) = 0;
  /// Adds it under the next number and keeps the last ten.
  virtual void add_configuration(TerminalKey terminal, const PushedConfiguration& what) = 0;
  virtual void set_configuration_state(TerminalKey terminal, const PushedConfiguration& what) = 0;
  /// What the kiosk says that it runs on; an empty hash: its own file.
  virtual void set_configuration_in_force(TerminalKey terminal, std::string_view hash) = 0;
  /// The kiosk's own file forbids pushed ones.
  virtual void set_configuration_local(TerminalKey terminal, bool local) = 0;
  /// Revocation, renewal and the provisioning list.
  virtual IdentityBook& identities() = 0;

  virtual void audit(const AuditEntry& entry) = 0;
  /// A write of its own, for the health check: only what reaches the disk proves that data moves.
  virtual void touch(WallTime now) = 0;

  /// Work between groups: checkpoint when the log has grown, as far as readers allow.
  virtual void tidy() = 0;
};

}  // namespace kw::collector
