#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/wire/conditions.hpp"
#include "drivers/laser_printer/findings.hpp"
#include "drivers/laser_printer/snmp/said.hpp"
#include "drivers/laser_printer/snmp/stock.hpp"
#include "drivers/laser_printer/supplies.hpp"

namespace kw::drivers::snmp {

/// hrDeviceStatus (RFC 2790).
enum DeviceStatus : std::int64_t { device_running = 2, device_warning = 3, device_down = 5 };
/// hrPrinterStatus (RFC 2790).
enum PrinterStatus : std::int64_t { printer_idle = 3, printer_printing = 4, printer_warmup = 5 };
/// prtAlertGroup (RFC 3805, PrtAlertGroupTC), as far as it matters here.
enum Group : std::int64_t {
  group_general = 5,
  group_cover = 6,
  group_input = 8,
  group_output = 9,
  group_marker = 10,
  group_supplies = 11,
  group_media_path = 13,
};
/// prtCoverStatus (RFC 3805).
enum CoverStatus : std::int64_t { cover_open = 3, cover_closed = 4, interlock_open = 5 };

/// The codes that are this driver's own.
std::span<const wire::ConditionRow> own_conditions();

/// What a row of prtAlertTable means.
struct Meaning {
  std::string_view code;                                 ///< empty: nothing is wrong
  laser::Supply::Flag flag = laser::Supply::Flag::none;  ///< of the supply it is about
};

/// The meaning of prtAlertCode (RFC 3805, IANA's PrtAlertCodeTC) in a group; nothing for a code
/// that is not known. Codes that any part can have mean what they mean for that kind of part;
/// `supply`: the type of the supply it is about, for group_supplies.
std::optional<Meaning> meaning_of(std::int64_t alert, std::int64_t group, std::string_view supply);

/// The printer's troubles from everything that tells of them: alerts, covers, and
/// hrPrinterDetectedErrorState with hrDeviceStatus. Flags the supplies that alerts are about and
/// names the trays that they say are empty.
laser::Findings findings_of(const Said& said, const Where& where, Stock& stock);

}  // namespace kw::drivers::snmp
