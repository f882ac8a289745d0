#include "drivers/driver.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "drivers/laser_printer/components.hpp"
#include "drivers/laser_printer/settings.hpp"
#include "drivers/laser_printer/snmp/client.hpp"
#include "drivers/laser_printer/snmp/said.hpp"
#include "drivers/laser_printer/snmp/stock.hpp"
#include "drivers/laser_printer/snmp/troubles.hpp"
#include "drivers/ports/snmp.hpp"

namespace kw::drivers {
namespace {

using namespace snmp;  // operator+ of object identifiers, and the MIBs' names

// ---- tables -----------------------------------------------------------------------------------

constexpr std::string_view capabilities[] = {"conditions",  "media",    "components",
                                             "consumables", "identity", "measurements"};
constexpr std::array settings_table{
    laser::toner_warning_percent, laser::paper_warning_sheets,
    Setting{"timeout_ms",
            SettingType::integer,
            "800",
            {"等待一次应答的时间（毫秒），之后重问一次",
             "how long to wait for an answer before asking once more, in milliseconds"},
            50,
            10000}};

constexpr std::array<std::string_view, 1> port_schemes{"snmp"};

/// A table's entry, and the columns of it that are read.
struct Wanted {
  const Oid& entry;
  std::vector<std::uint32_t> columns;
};

/// Of the one row that is the printer's.
std::vector<Column> single_columns(const Where& where) {
  const std::vector<std::pair<Wanted, std::uint32_t>> wanted{
      {{hr_device, {3, 5}}, where.device},
      {{hr_printer, {1, 2}}, where.device},
      {{prt_general, {16, 17}}, where.printer},
      {{system_group, {3}}, 0}};
  std::vector<Column> out;
  for (const auto& [table, row] : wanted) {
    for (const auto column : table.columns) {
      auto prefix = table.entry + Oid{column};
      // The name before it: what comes next is this row, if there is it.
      auto before = row == 0 ? prefix : prefix + Oid{row - 1};
      out.push_back({std::move(prefix), std::move(before), 1});
    }
  }
  return out;
}

std::vector<Column> table_columns(const Where& where) {
  const std::vector<Wanted> wanted{{prt_alert, {2, 4, 5, 7}},
                                   {prt_supplies, {3, 4, 5, 6, 7, 8, 9}},
                                   {prt_input, {2, 3, 6, 7, 8, 9, 10, 12, 13}},
                                   {prt_cover, {2, 3}},
                                   {prt_marker, {3, 4}},
                                   {prt_colorant, {4}}};
  std::vector<Column> out;
  for (const auto& table : wanted) {
    for (const auto column : table.columns) {
      out.push_back({table.entry + Oid{column} + Oid{where.printer}});
    }
  }
  return out;
}

// ---- the parts of a status that are not judged elsewhere ----------------------------------------

wire::DeviceState device_state(const Said& said, const Where& where,
                               const laser::Findings& findings) {
  if (findings.has("printer-offline")) return wire::DeviceState::offline;
  for (const auto code : {"unrecoverable-error", "fuser-over-temp", "fuser-under-temp"}) {
    if (findings.has(code)) return wire::DeviceState::hardware_error;
  }
  const auto printer = said.number(hr_printer, 1, {where.device});
  if (printer == printer_printing || printer == printer_warmup) {
    return wire::DeviceState::device_busy;
  }
  // "unknown" from both; one that leaves HOST-RESOURCES-MIB out speaks by its alerts alone.
  const auto device = said.number(hr_device, 5, {where.device});
  const bool unknown = printer.value_or(2) == 2 && device.value_or(1) == 1;
  // What it does tell of is no less true.
  return unknown && (printer || device) && findings.conditions().empty()
             ? wire::DeviceState::unknown
             : wire::DeviceState::online;
}

wire::Media media_of(const laser::Findings& findings) {
  if (findings.has("media-jam")) return wire::Media::jammed;
  // It may well be one.
  return findings.has("service-requested") ? wire::Media::unknown : wire::Media::not_supported;
}

std::vector<wire::Component> parts_of(const Said& said, const laser::Findings& findings) {
  auto out = laser::components_of(findings);
  const auto covers = said.rows(prt_cover);
  const bool closed = std::ranges::any_of(
      covers, [&](const Oid& row) { return said.number(prt_cover, 3, row) == cover_closed; });
  // Unlike other printers' ways of telling, this one says which are watched.
  if (closed && !findings.has("cover-open")) {
    out.push_back({"cover", wire::ComponentState::closed, true});
  }
  return out;
}

std::vector<wire::Measurement> measurements_of(const Said& said) {
  std::vector<wire::Measurement> out;
  constexpr std::int64_t counts_sheets = 8;  // PrtMarkerCounterUnitTC
  if (const auto markers = said.rows(prt_marker); !markers.empty()) {
    const auto life = said.number(prt_marker, 4, markers.front());
    const bool sheets = said.number(prt_marker, 3, markers.front()) == counts_sheets;
    if (life && *life >= 0) {
      out.push_back(
          {sheets ? "printed_sheets" : "printed_impressions", static_cast<double>(*life)});
    }
  }
  if (const auto ticks = said.number(system_group, 3, {0}); ticks && *ticks >= 0) {
    out.push_back({"uptime_seconds", static_cast<double>(*ticks / 100)});
  }
  return out;
}

wire::Identity identity_of(const Said& said, const Where& where) {
  wire::Identity out;
  out.model = said.text(hr_device, 3, {where.device});
  if (out.model.empty()) out.model = said.text(prt_general, 16, {where.printer});
  out.serial = said.text(prt_general, 17, {where.printer});
  return out;
}

// ---- the driver -------------------------------------------------------------------------------

class Snmp final : public Driver {
 public:
  Snmp(const laser::Limits& limits, Duration timeout) : limits_(limits), client_(timeout) {}

  Result<void> open(Port& port, MonoTime deadline) override {
    auto* agent = dynamic_cast<SnmpPort*>(&port);
    if (agent == nullptr) return Error{Errc::unsupported, "snmp: needs an snmp port"};
    client_.attach(*agent);
    const auto found = find_printer(deadline);
    if (found) {
      where_ = *found;
      return {};
    }
    client_.detach();
    if (found.error().code() == Errc::garbled) {
      return Error{Errc::refused, "snmp: no agent: " + found.error().text()};
    }
    return Error{found.error()}.within("snmp");
  }

  Result<wire::Status> poll(MonoTime deadline) override {
    if (!where_) return Error{Errc::disconnected, "snmp: not open"};
    auto table = client_.read(single_columns(*where_), deadline);
    if (!table) return std::move(table).error().within("snmp");
    auto tables = client_.read(table_columns(*where_), deadline);
    if (!tables) return std::move(tables).error().within("snmp");
    table->merge(*tables);
    const Said said{std::move(*table)};
    if (said.rows(hr_printer).empty() && said.rows(prt_supplies).empty() &&
        said.rows(prt_input).empty()) {
      return Error{Errc::garbled, "snmp: the agent has nothing to say of a printer any more"};
    }
    auto stock = stock_of(said, *where_);
    auto findings = findings_of(said, *where_, stock);
    wire::Status status;
    status.evidence = wire::Evidence::protocol_reply;
    status.device = device_state(said, *where_, findings);
    status.media = media_of(findings);
    status.components = parts_of(said, findings);
    status.consumables =
        laser::consumables_of(std::move(stock.supplies), std::move(stock.paper), findings, limits_);
    status.measurements = measurements_of(said);
    status.identity = identity_of(said, *where_);
    status.conditions = findings.conditions();
    return status;
  }

  void close() noexcept override {
    client_.detach();
    where_.reset();
  }

 private:
  /// The first printer among the agent's devices, by whichever table it is in.
  Result<Where> find_printer(MonoTime deadline) {
    const auto table = client_.read({{hr_printer + Oid{1}, {}, 1},
                                     {hr_printer + Oid{2}, {}, 1},
                                     {prt_general, {}, 1},
                                     {prt_supplies, {}, 1}},
                                    deadline);
    if (!table) return Error{table.error()};
    const Said said{*table};
    // The row's first arc is the printer's index.
    const auto first = [&](const Oid& entry) -> std::optional<std::uint32_t> {
      const auto rows = said.rows(entry);
      return rows.empty() || rows.front().empty() ? std::nullopt
                                                  : std::optional{rows.front().front()};
    };
    const auto device = first(hr_printer);
    const auto general = first(prt_general);
    const auto printer = general ? general : first(prt_supplies);
    if (!device && !printer) {
      return Error{Errc::refused, "the agent answers, but knows of no printer"};
    }
    return Where{device ? *device : *printer, printer ? *printer : *device};
  }

  laser::Limits limits_;
  Client client_;
  std::optional<Where> where_;  ///< while open
};

Checked<std::unique_ptr<Driver>> make(const Settings& settings) {
  return std::unique_ptr<Driver>{std::make_unique<Snmp>(
      laser::limits_of(settings), std::chrono::milliseconds{settings.integer("timeout_ms")})};
}

}  // namespace

Card snmp_card() {
  return {.name = "snmp",
          .kind = "laser_printer",
          .title = {"激光打印机（SNMP）", "laser printer (SNMP)"},
          .settings = settings_table,
          .conditions = own_conditions(),
          .schemes = port_schemes,
          .self_tests = {},
          .capabilities = capabilities,
          .maturity = Maturity::peer,
          .peers = "snmpsim 0.4.5, net-snmp snmpd 5.9.3 (SNMPv1, v2c; v3 where built in)",
          .make = make};
}

}  // namespace kw::drivers
