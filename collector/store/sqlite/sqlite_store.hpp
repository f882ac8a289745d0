#pragma once

#include <filesystem>
#include <memory>

#include "collector/store/sqlite/sqlite_identities.hpp"
#include "collector/store/store.hpp"
#include "common/db/database.hpp"

namespace kw::collector {

/// What a damaged file's error ends with.
inline constexpr std::string_view damaged_advice =
    ": the database is damaged; put a backup back with kiosk-collector restore FILE, the kiosks "
    "send again what came after it";

/// Store on one SQLite file in WAL mode, synchronous=FULL: what `transact` returned for survives a
/// crash of the machine.
class SqliteStore final : public Store {
 public:
  static Result<std::unique_ptr<SqliteStore>> open(const std::filesystem::path& file);
  /// The same, but a file that is not there is Errc::missing: a folder with an authority and
  /// without a database has lost it, and an empty one in its place would look like a healthy start.
  static Result<std::unique_ptr<SqliteStore>> open_existing(const std::filesystem::path& file);

  Result<void> transact(const std::function<void()>& work) override;
  Result<void> part(const std::function<Result<void>()>& work) override;

  std::optional<Terminal> find_terminal(std::string_view code) override;
  TerminalKey make_terminal(std::string_view code, WallTime now) override;
  std::vector<TerminalKey> terminals_in_service() override;
  TerminalView view(TerminalKey terminal) override;
  std::optional<Fault> known_fault(TerminalKey terminal, std::string_view subject,
                                   std::string_view code, const Since& since) override;
  std::optional<WallTime> last_cleared(TerminalKey terminal, std::string_view subject,
                                       std::string_view code) override;
  void postpone_silence(WallTime until, WallTime heard) override;
  void keep_silence_floor(WallTime until) override;
  WallTime silence_floor() override;
  void put_off(const DueTimer& due, WallTime to) override;
  void apply(TerminalKey terminal, const Changes& changes) override;
  void set_live(TerminalKey terminal, bool live) override;
  void set_told(TerminalKey terminal) override;
  void set_session(TerminalKey terminal, bool connected, WallTime at,
                   std::string_view agent_version) override;
  void disconnect_all(WallTime at) override;
  void set_inventory(TerminalKey terminal, std::string_view hash,
                     std::string_view inventory) override;
  std::string inventory_hash(TerminalKey terminal) override;

  EpochBook epochs(TerminalKey terminal) override;
  std::optional<EpochMark> mark(TerminalKey terminal, std::uint64_t epoch) override;
  std::uint64_t stored_upto(TerminalKey terminal, std::uint64_t epoch) override;
  void put_epochs(TerminalKey terminal, const EpochPlan& plan) override;
  bool advance(TerminalKey terminal, std::uint64_t epoch, std::uint64_t from, std::uint64_t to,
               WallTime last_at) override;
  void keep(const Block& block) override;
  void quarantine(const Block& block, std::string_view why) override;

  std::vector<DueTimer> due_timers(WallTime now, std::size_t n) override;
  std::optional<WallTime> next_timer() override;
  std::string next_order_number(std::string_view day) override;
  std::optional<Order> find_order(std::string_view id_or_number) override;
  void set_order_committed(std::string_view id, WallTime at) override;

  std::vector<CertificateRow> certificates() override;
  void put_certificate(const CertificateRow& row, WallTime not_after, WallTime now) override;
  void put_token(std::string_view hash, TerminalKey terminal, WallTime expires_at,
                 WallTime now) override;
  std::optional<TokenRow> find_token(std::string_view hash) override;
  void use_token(std::string_view hash, WallTime now) override;

  // remote_store.cpp
  std::uint64_t put_command(const Command& command) override;
  std::optional<Command> find_command(std::string_view id) override;
  std::vector<Command> open_commands(TerminalKey terminal, WallTime now) override;
  void set_commands_sent(TerminalKey terminal, std::uint64_t upto, WallTime now) override;
  void update_command(const Command& command) override;
  std::vector<std::string> expire_commands(TerminalKey terminal, WallTime now) override;
  std::optional<PushedConfiguration> newest_configuration(TerminalKey terminal) override;
  std::vector<PushedConfiguration> configurations(TerminalKey terminal) override;
  void add_configuration(TerminalKey terminal, const PushedConfiguration& what) override;
  void set_configuration_state(TerminalKey terminal, const PushedConfiguration& what) override;
  void set_configuration_in_force(TerminalKey terminal, std::string_view hash) override;
  void set_configuration_local(TerminalKey terminal, bool local) override;
  IdentityBook& identities() override { return identities_; }

  void audit(const AuditEntry& entry) override;
  void touch(WallTime now) override;
  void tidy() override;

 private:
  SqliteStore(std::unique_ptr<db::Database> db, std::filesystem::path wal)
      : db_(std::move(db)), identities_(*db_), wal_(std::move(wal)) {}

  void use_log_as_reserve();
  void empty_log();

  std::unique_ptr<db::Database> db_;
  SqliteIdentities identities_;
  std::filesystem::path wal_;
  std::uintmax_t not_emptied_ = 0;  ///< the log's size after that was tried last
};

}  // namespace kw::collector
