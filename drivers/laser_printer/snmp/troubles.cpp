#include "drivers/laser_printer/snmp/troubles.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace kw::drivers::snmp {
namespace {

using Flag = laser::Supply::Flag;
using wire::Severity;

constexpr std::array own_rows{
    laser::printer_stopped,
    wire::ConditionRow{"service-requested",
                       Severity::warning,
                       wire::Action::maintenance,
                       {"打印机请求人工处理，未说明原因（可能卡纸或机盖打开）",
                        "printer calls for somebody and does not say why (perhaps a jam or an open "
                        "cover)"}},
    wire::ConditionRow{"maintenance-due",
                       Severity::warning,
                       wire::Action::maintenance,
                       {"打印机保养到期", "printer's maintenance is overdue"}},
    laser::printer_other};

// ---- alerts -----------------------------------------------------------------------------------

struct AlertRow {
  std::int64_t alert;
  Meaning means;
};

/// Codes that mean one thing (RFC 3805; 814 and up, 905 and up, 1116 and up: IANA-PRINTER-MIB).
constexpr auto alert_rows = std::to_array<AlertRow>({{3, {"cover-open"}},
                                                     {5, {"interlock-open"}},
                                                     {8, {"media-jam"}},
                                                     {29, {"recoverable-error"}},
                                                     {30, {"unrecoverable-error"}},
                                                     {33, {"unrecoverable-error"}},
                                                     {34, {"interpreter-resource-unavailable"}},
                                                     {37, {"unrecoverable-error"}},
                                                     {38, {"unrecoverable-error"}},
                                                     {501, {"door-open"}},
                                                     {504, {"printer-offline"}},
                                                     {801, {"input-tray-missing"}},
                                                     {807, {"media-low"}},
                                                     {808, {"media-empty"}},
                                                     {809, {"media-needed"}},
                                                     {810, {"media-needed"}},
                                                     {815, {"media-jam"}},
                                                     {901, {"output-tray-missing"}},
                                                     {902, {"output-area-almost-full"}},
                                                     {903, {"output-area-full"}},
                                                     {906, {"media-jam"}},
                                                     {1001, {"fuser-under-temp"}},
                                                     {1002, {"fuser-over-temp"}},
                                                     {1003, {"unrecoverable-error"}},
                                                     {1004, {"unrecoverable-error"}},
                                                     {1101, {"toner-empty", Flag::out}},
                                                     {1102, {"marker-supply-empty", Flag::out}},
                                                     {1103, {"marker-supply-empty", Flag::out}},
                                                     {1104, {"toner-low", Flag::low}},
                                                     {1105, {"marker-supply-low", Flag::low}},
                                                     {1106, {"marker-supply-low", Flag::low}},
                                                     {1107, {"marker-waste-almost-full"}},
                                                     {1108, {"marker-waste-almost-full"}},
                                                     {1109, {"marker-waste-full"}},
                                                     {1110, {"marker-waste-full"}},
                                                     {1111, {"opc-near-eol", Flag::low}},
                                                     {1112, {"opc-life-over", Flag::out}},
                                                     {1113, {"developer-low", Flag::low}},
                                                     {1114, {"developer-empty", Flag::out}},
                                                     {1122, {"marker-supply-low", Flag::low}},
                                                     {1123, {"marker-supply-empty", Flag::out}},
                                                     {1125, {"marker-waste-almost-full"}},
                                                     {1126, {"marker-waste-full"}},
                                                     {1302, {"output-area-almost-full"}},
                                                     {1303, {"output-area-full"}},
                                                     {1306, {"media-jam"}},
                                                     {1310, {"media-needed"}},
                                                     {1312, {"media-jam"}},
                                                     {1322, {"media-jam"}},
                                                     {1323, {"output-area-full"}},
                                                     {1507, {"interpreter-resource-unavailable"}}});

/// Events, and states in which nothing is wrong.
constexpr auto harmless = std::to_array<std::int64_t>(
    {4,   6,   7,   19,  20,  23,   24,   25,   26,   27,   28,   502,  503,  505,  506, 507,
     802, 803, 804, 805, 806, 1005, 1304, 1501, 1502, 1503, 1504, 1505, 1506, 1509, 1801});

/// What a part is said to be by a code that any part can have.
enum Anyones : std::int64_t {
  part_missing = 9,
  part_life_almost_over = 10,
  part_life_over = 11,
  part_almost_empty = 12,
  part_empty = 13,
  part_almost_full = 14,
  part_full = 15,
  part_opened = 18,
  part_turned_off = 21,
  part_offline = 22,
  part_too_cold = 35,
  part_too_hot = 36,
};

std::optional<Meaning> of_supply(std::int64_t alert, std::string_view type) {
  const bool toner = type == "toner";
  const bool drum = type == "drum";
  switch (alert) {
    case part_missing:
      return Meaning{"marker-supply-missing", Flag::missing};
    case part_life_almost_over:
    case part_almost_empty:
      return Meaning{toner ? "toner-low" : drum ? "opc-near-eol" : "marker-supply-low", Flag::low};
    case part_life_over:
    case part_empty:
      return Meaning{toner  ? "toner-empty"
                     : drum ? "opc-life-over"
                            : "marker-supply-empty",
                     Flag::out};
    case part_almost_full:
      return Meaning{"marker-waste-almost-full"};
    case part_full:
      return Meaning{"marker-waste-full"};
    case part_too_cold:
      return Meaning{"fuser-under-temp"};
    case part_too_hot:
      return Meaning{"fuser-over-temp"};
    default:
      return std::nullopt;
  }
}

std::optional<Meaning> of_part(std::int64_t alert, std::int64_t group) {
  const auto when = [&](std::int64_t wanted, std::string_view code) {
    return group == wanted ? std::optional{Meaning{code}} : std::nullopt;
  };
  const bool output = group == group_output || group == group_media_path;
  switch (alert) {
    case part_missing:
      return output ? Meaning{"output-tray-missing"} : when(group_input, "input-tray-missing");
    case part_almost_empty:
      return when(group_input, "media-low");
    case part_empty:
      return when(group_input, "media-empty");
    case part_almost_full:
      return output ? std::optional{Meaning{"output-area-almost-full"}} : std::nullopt;
    case part_full:
      return output ? std::optional{Meaning{"output-area-full"}} : std::nullopt;
    case part_opened:
      return Meaning{group == group_cover ? "cover-open" : "door-open"};
    case part_turned_off:
      return Meaning{group == group_general ? "printer-offline" : ""};
    case part_offline:
      return when(group_general, "printer-offline");
    case part_too_cold:
      return when(group_marker, "fuser-under-temp");
    case part_too_hot:
      return when(group_marker, "fuser-over-temp");
    default:
      return std::nullopt;
  }
}

/// A row of prtAlertTable.
struct Alert {
  std::int64_t code = 0;
  std::int64_t severity = 0;
  std::int64_t group = 0;
  Oid part;  ///< its row in the group's table
};

constexpr std::int64_t severity_critical = 3;  // PrtAlertSeverityLevelTC

/// Always in the same order: another order is no other state.
std::vector<Alert> alerts_of(const Said& said, const Where& where) {
  std::vector<Alert> out;
  for (const auto& row : said.rows(prt_alert)) {
    const auto index = said.number(prt_alert, 5, row).value_or(0);
    out.push_back({said.number(prt_alert, 7, row).value_or(0),
                   said.number(prt_alert, 2, row).value_or(0),
                   said.number(prt_alert, 4, row).value_or(0),
                   {where.printer, static_cast<std::uint32_t>(std::max<std::int64_t>(index, 0))}});
  }
  std::ranges::sort(out, {}, [](const Alert& a) { return std::tuple{a.code, a.group, a.part}; });
  return out;
}

/// The table's word on a cover is newer than an alert that only grows old.
bool is_closed(const Said& said, const Alert& alert) {
  return alert.group == group_cover && said.number(prt_cover, 3, alert.part) == cover_closed;
}

void add_alert(const Said& said, const Alert& alert, Stock& stock, laser::Findings& findings) {
  laser::Supply* supply = nullptr;
  const auto row = std::ranges::find(stock.rows, alert.part);
  if (alert.group == group_supplies && row != stock.rows.end()) {
    supply = &stock.supplies[static_cast<std::size_t>(row - stock.rows.begin())];
  }
  const auto means =
      meaning_of(alert.code, alert.group, supply == nullptr ? std::string_view{} : supply->type);
  const auto number = std::to_string(alert.code);
  if (means && means->code.empty()) return;
  if (means && means->code == "cover-open" && is_closed(said, alert)) return;
  auto& condition = findings.raise(means ? means->code : "printer-other", number);
  if (alert.severity == severity_critical) condition.severity = Severity::fault;
  if (supply != nullptr && means) supply->flag = std::max(supply->flag, means->flag);
  if (alert.group != group_input) return;
  auto tray = said.text(prt_input, 13, alert.part);
  if (means && means->code == "media-empty") {
    stock.paper.empty.push_back(std::move(tray));
  } else {
    condition.detail = laser::joined({condition.detail, std::move(tray)});
  }
}

// ---- covers -----------------------------------------------------------------------------------

void add_covers(const Said& said, laser::Findings& findings) {
  std::vector<std::string> open;
  std::vector<std::string> unlocked;
  for (const auto& row : said.rows(prt_cover)) {
    const auto status = said.number(prt_cover, 3, row);
    if (status == cover_open) {
      findings.raise("cover-open", "coverOpen");
      open.push_back(said.text(prt_cover, 2, row));
    } else if (status == interlock_open) {
      findings.raise("interlock-open", "interlockOpen");
      unlocked.push_back(said.text(prt_cover, 2, row));
    }
  }
  if (!open.empty()) findings.detail("cover-open", open);
  if (!unlocked.empty()) findings.detail("interlock-open", unlocked);
}

// ---- hrPrinterDetectedErrorState ----------------------------------------------------------------

/// Bit 0 is the first byte's highest (RFC 2790). "serviceRequested" (7) is judged apart.
struct Bit {
  unsigned number;
  std::string_view name;
  std::string_view code;
};
constexpr std::array bits{Bit{0, "lowPaper", "media-low"},
                          Bit{1, "noPaper", "media-empty"},
                          Bit{2, "lowToner", "toner-low"},
                          Bit{3, "noToner", "toner-empty"},
                          Bit{4, "doorOpen", "door-open"},
                          Bit{5, "jammed", "media-jam"},
                          Bit{6, "offline", "printer-offline"},
                          Bit{8, "inputTrayMissing", "input-tray-missing"},
                          Bit{9, "outputTrayMissing", "output-tray-missing"},
                          Bit{10, "markerSupplyMissing", "marker-supply-missing"},
                          Bit{11, "outputNearFull", "output-area-almost-full"},
                          Bit{12, "outputFull", "output-area-full"},
                          Bit{13, "inputTrayEmpty", "media-empty"},
                          Bit{14, "overduePreventMaint", "maintenance-due"}};
constexpr unsigned bit_service_requested = 7;

/// None, one or two bytes are sent; what is not there is not set.
bool is_set(std::string_view state, unsigned bit) {
  if (bit / 8 >= state.size()) return false;
  return (static_cast<std::uint8_t>(state[bit / 8]) & 0x80 >> bit % 8) != 0;
}

void add_bits(std::string_view state, laser::Findings& findings) {
  for (const auto& bit : bits) {
    if (!is_set(state, bit.number)) continue;
    auto code = bit.code;
    // One word for covers, doors and interlocks.
    for (const std::string_view opened : {"cover-open", "interlock-open"}) {
      if (code == "door-open" && findings.has(opened)) code = opened;
    }
    findings.raise(code, bit.name);
  }
}

/// Whether what stops the printer is told: a call for service has its reason then.
void add_stopped(const Said& said, const Where& where, bool service, laser::Findings& findings) {
  const auto device = said.number(hr_device, 5, {where.device});
  const bool warming_up = said.number(hr_printer, 1, {where.device}) == printer_warmup;
  const bool down = device == device_down && !warming_up;
  if (down ? findings.any_fault() : !findings.conditions().empty()) return;
  if (service) {
    // Printers that say no more of a jam or an open cover: "down" tells it from a mere wish.
    auto& condition = findings.raise("service-requested", "serviceRequested");
    if (down) condition.severity = Severity::fault;
  } else if (down) {
    findings.raise("printer-stopped", "hrDeviceStatus down");
  } else if (device == device_warning) {
    findings.raise("printer-other", "hrDeviceStatus warning");
  }
}

}  // namespace

std::span<const wire::ConditionRow> own_conditions() { return own_rows; }

std::optional<Meaning> meaning_of(std::int64_t alert, std::int64_t group, std::string_view supply) {
  if (std::ranges::find(harmless, alert) != harmless.end()) return Meaning{};
  const auto row = std::ranges::find(alert_rows, alert, &AlertRow::alert);
  if (row != alert_rows.end()) return row->means;
  const bool missing =
      (alert >= 1115 && alert <= 1121) || alert == 1124 || (alert >= 1127 && alert <= 1130);
  if (missing) return Meaning{"marker-supply-missing", Flag::missing};
  return group == group_supplies ? of_supply(alert, supply) : of_part(alert, group);
}

laser::Findings findings_of(const Said& said, const Where& where, Stock& stock) {
  laser::Findings out{own_rows};
  auto alerts = alerts_of(said, where);
  if (alerts.size() > laser::most_items) alerts.resize(laser::most_items);
  for (const auto& alert : alerts) add_alert(said, alert, stock, out);
  add_covers(said, out);
  const auto state = said.octets(hr_printer, 2, {where.device}).value_or("");
  add_bits(state, out);
  out.drop_lesser();
  add_stopped(said, where, is_set(state, bit_service_requested), out);
  return out;
}

}  // namespace kw::drivers::snmp
