#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drivers/laser_printer/snmp/client.hpp"

namespace kw::drivers::snmp {

// Entries of tables whose columns are read: HOST-RESOURCES-MIB (RFC 2790), Printer-MIB (RFC 3805).
inline const Oid system_group{1, 3, 6, 1, 2, 1, 1};
inline const Oid hr_device{1, 3, 6, 1, 2, 1, 25, 3, 2, 1};
inline const Oid hr_printer{1, 3, 6, 1, 2, 1, 25, 3, 5, 1};
inline const Oid prt_general{1, 3, 6, 1, 2, 1, 43, 5, 1, 1};
inline const Oid prt_cover{1, 3, 6, 1, 2, 1, 43, 6, 1, 1};
inline const Oid prt_input{1, 3, 6, 1, 2, 1, 43, 8, 2, 1};
inline const Oid prt_marker{1, 3, 6, 1, 2, 1, 43, 10, 2, 1};
inline const Oid prt_supplies{1, 3, 6, 1, 2, 1, 43, 11, 1, 1};
inline const Oid prt_colorant{1, 3, 6, 1, 2, 1, 43, 12, 1, 1};
inline const Oid prt_alert{1, 3, 6, 1, 2, 1, 43, 18, 1, 1};

/// `oid` with more arcs behind it.
Oid operator+(Oid oid, const Oid& more);

/// Which of an agent's devices is the printer: its hrDeviceIndex in HOST-RESOURCES-MIB, and the one
/// that its rows of Printer-MIB begin with. They are the same by the rules, and not with everybody.
struct Where {
  std::uint32_t device = 1;
  std::uint32_t printer = 1;
};

/// What a printer's agent said, by table, column and row.
class Said {
 public:
  explicit Said(Table table) : table_(std::move(table)) {}

  /// Nothing where there is none, or a value of another kind.
  std::optional<std::int64_t> number(const Oid& entry, std::uint32_t column, const Oid& row) const;
  std::optional<std::string> octets(const Oid& entry, std::uint32_t column, const Oid& row) const;

  /// Readable, without spaces around it; empty where there is none.
  std::string text(const Oid& entry, std::uint32_t column, const Oid& row) const;

  /// The rows that have something in any column, in their order.
  std::vector<Oid> rows(const Oid& entry) const;

 private:
  const Value* find(const Oid& entry, std::uint32_t column, const Oid& row) const;

  Table table_;
};

}  // namespace kw::drivers::snmp
