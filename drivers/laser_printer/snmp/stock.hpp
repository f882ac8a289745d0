#pragma once

#include <vector>

#include "drivers/laser_printer/snmp/said.hpp"
#include "drivers/laser_printer/supplies.hpp"

namespace kw::drivers::snmp {

/// A printer's supplies and paper, from Printer-MIB's tables (RFC 3805).
struct Stock {
  std::vector<laser::Supply> supplies;
  std::vector<Oid> rows;  ///< of each supply in prtMarkerSuppliesTable
  laser::Paper paper;
};

Stock stock_of(const Said& said, const Where& where);

}  // namespace kw::drivers::snmp
