#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collector/model/remote.hpp"
#include "collector/model/values.hpp"
#include "collector/store/identity_book.hpp"
#include "common/result.hpp"
#include "wire/kioskwatch.pb.h"

namespace kw::collector {

/// Which part of a list is asked for. Lists are paged by key, newest or alphabetically first.
struct Page {
  std::size_t limit = 100;
  std::string after;  ///< the last page's `next`; empty: from the start
};

template <class T>
struct Listing {
  std::vector<T> items;
  std::string next;  ///< empty: that was all
};

/// A terminal's configuration as far as the collector knows.
struct ConfigurationFacts {
  std::optional<PushedConfiguration> pushed;  ///< the last that was pushed or taken back
  std::string in_force;  ///< hash of the pushed one that the kiosk says it runs on; empty: its own
  bool local = false;    ///< the kiosk's own file forbids pushed ones
};

struct TerminalRow {
  std::string code;
  std::string name;
  TerminalState state = TerminalState::offline;
  bool warning = false;
  bool connected = false;
  std::optional<WallTime> last_seen_at;
  std::string agent_version;
  std::int64_t devices = 0;
  std::int64_t open_faults = 0;
  std::optional<Maintenance> maintenance;
  ConfigurationFacts configuration;  ///< without the body
};

struct CommandRow {
  Command command;
  std::string terminal;
};

struct ConfigurationRow {
  std::string terminal;
  ConfigurationFacts now;                    ///< with the body
  std::vector<PushedConfiguration> history;  ///< newest first, the one in `now` too; no bodies
};

struct DeviceRow {
  std::string terminal;
  std::string id;
  std::string driver;
  std::string kind;
  bool enabled = true;
  WallTime since{};
  std::vector<ActiveCondition> conditions;
  pb::Status status;
  std::optional<pb::InventoryDevice> found;  ///< what the agent found itself
  std::optional<pb::Sample> sample;
  WallTime sampled_at{};
};

struct FaultRow {
  Fault fault;
  std::string terminal;
  std::string order_number;
};

struct OrderRow {
  Order order;
  std::string terminal;
  std::optional<WallTime> committed_at;
  std::vector<OrderStep> steps;
};

struct FaultDay {
  std::string day;
  std::string code;
  Level level = Level::general;
  std::int64_t opened = 0;
  std::int64_t late = 0;
};

/// One event as it is stored, decoded (drill-down; loss accounting).
struct EventRow {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  std::uint64_t count = 1;  ///< of a gap: how many numbers it stands for
  WallTime at{};
  bool uncertain = false;
  pb::Item item;
};

struct StoreFigures {
  std::map<TerminalState, std::int64_t> terminals;
  std::int64_t open_faults = 0;
  std::int64_t open_orders = 0;
  std::int64_t wal_bytes = 0;
};

struct TerminalFilter {
  std::optional<TerminalState> state;
  std::string text;  ///< part of the code or of the name, in any case of ASCII letters
};
struct FaultFilter {
  std::string terminal;
  std::string code;
  std::optional<bool> open;
};
struct OrderFilter {
  std::string terminal;
  std::optional<OrderState> state;
  bool open = false;  ///< only those that can still move
};

/// The readers' side of the store: one connection of one reader thread, read-only, 2 s at most a
/// query (Errc::timeout).
class Queries {
 public:
  virtual ~Queries() = default;

  virtual Result<Listing<TerminalRow>> terminals(const Page& page,
                                                 const TerminalFilter& filter) = 0;
  virtual Result<TerminalRow> terminal(std::string_view code) = 0;
  /// The code of a terminal that the writer knows by its key.
  virtual Result<std::string> code_of(TerminalKey terminal) = 0;
  virtual Result<Listing<DeviceRow>> devices(const Page& page, std::string_view terminal) = 0;
  virtual Result<Listing<FaultRow>> faults(const Page& page, const FaultFilter& filter) = 0;
  virtual Result<Listing<OrderRow>> orders(const Page& page, const OrderFilter& filter) = 0;
  /// By id or by number; with its steps.
  virtual Result<OrderRow> order(std::string_view id_or_number) = 0;
  virtual Result<std::vector<FaultDay>> fault_days(std::string_view from, std::string_view to) = 0;
  virtual Result<StoreFigures> figures() = 0;
  /// Newest first.
  virtual Result<Listing<CommandRow>> commands(const Page& page, std::string_view terminal) = 0;
  virtual Result<CommandRow> command(std::string_view id) = 0;
  virtual Result<ConfigurationRow> configuration(std::string_view terminal) = 0;
  /// The provisioning list whole: it is bounded.
  virtual Result<std::vector<ProvisioningRow>> provisioning() = 0;
  /// Every stored event of a terminal in position order, handed over one by one.
  virtual Result<void> events(std::string_view terminal,
                              const std::function<void(const EventRow&)>& take) = 0;
};

}  // namespace kw::collector
