#include "drivers/laser_printer/snmp/said.hpp"

#include <algorithm>
#include <set>

#include "drivers/laser_printer/text.hpp"

namespace kw::drivers::snmp {

Oid operator+(Oid oid, const Oid& more) {
  oid.insert(oid.end(), more.begin(), more.end());
  return oid;
}

const Value* Said::find(const Oid& entry, std::uint32_t column, const Oid& row) const {
  const auto at = table_.find(entry + Oid{column} + row);
  return at == table_.end() ? nullptr : &at->second;
}

std::optional<std::int64_t> Said::number(const Oid& entry, std::uint32_t column,
                                         const Oid& row) const {
  const auto* value = find(entry, column, row);
  if (value == nullptr || value->kind != Value::Kind::integer) return std::nullopt;
  return value->number;
}

std::optional<std::string> Said::octets(const Oid& entry, std::uint32_t column,
                                        const Oid& row) const {
  const auto* value = find(entry, column, row);
  if (value == nullptr || value->kind != Value::Kind::octets) return std::nullopt;
  return value->octets;
}

std::string Said::text(const Oid& entry, std::uint32_t column, const Oid& row) const {
  constexpr std::size_t longest = 255;  // of Printer-MIB's texts
  auto raw = octets(entry, column, row).value_or("").substr(0, longest);
  // C programs in printers send their texts' ends too.
  raw.resize(std::min(raw.find('\0'), raw.size()));
  const auto first = std::min(raw.find_first_not_of(' '), raw.size());
  return laser::readable(raw.substr(first, raw.find_last_not_of(' ') + 1 - first));
}

std::vector<Oid> Said::rows(const Oid& entry) const {
  std::set<Oid> out;
  for (auto it = table_.lower_bound(entry); it != table_.end() && below(it->first, entry); ++it) {
    const auto behind_column = it->first.begin() + static_cast<std::ptrdiff_t>(entry.size()) + 1;
    out.emplace(behind_column, it->first.end());
  }
  return {out.begin(), out.end()};
}

}  // namespace kw::drivers::snmp
