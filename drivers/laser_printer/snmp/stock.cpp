#include "drivers/laser_printer/snmp/stock.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

namespace kw::drivers::snmp {
namespace {

constexpr std::int64_t class_receptacle = 4;   // PrtMarkerSuppliesClassTC: receptacleThatIsFilled
constexpr std::int64_t sheet_feed_manual = 5;  // PrtInputTypeTC
constexpr std::int64_t unknown_level = -2;     // prtInputCurrentLevel

/// PrtMarkerSuppliesTypeTC. What is not listed has no name of its own here.
std::string_view type_word(std::int64_t type) {
  constexpr std::array<std::pair<std::int64_t, std::string_view>, 13> words{{{3, "toner"},
                                                                             {4, "wasteToner"},
                                                                             {5, "ink"},
                                                                             {6, "ink"},
                                                                             {7, "ribbon"},
                                                                             {8, "wasteInk"},
                                                                             {9, "opc"},
                                                                             {10, "developer"},
                                                                             {15, "fuser"},
                                                                             {18, "cleaner"},
                                                                             {20, "transferUnit"},
                                                                             {21, "toner"},
                                                                             {32, "staples"}}};
  const auto row =
      std::ranges::find(words, type, &std::pair<std::int64_t, std::string_view>::first);
  return row == words.end() ? std::string_view{} : row->second;
}

constexpr std::int64_t unit_percent = 19;

laser::Supply supply_of(const Said& said, const Where& where, const Oid& row) {
  laser::Supply out;
  out.name = said.text(prt_supplies, 6, row);
  const auto type = said.number(prt_supplies, 5, row);
  out.type = laser::type_of(type_word(type.value_or(0)), out.name);
  const auto colorant = said.number(prt_supplies, 3, row).value_or(0);
  if (colorant > 0) {
    out.colour = said.text(prt_colorant, 4, {where.printer, static_cast<std::uint32_t>(colorant)});
  }
  out.colour = laser::colour_of(out.colour, out.name);
  const bool bin = said.number(prt_supplies, 4, row) == class_receptacle;
  if (bin || laser::is_waste(out.type)) out.direction = wire::Direction::bin;

  const auto level = said.number(prt_supplies, 9, row);
  const auto most = said.number(prt_supplies, 8, row);
  const auto unit = said.number(prt_supplies, 7, row);
  out.some = level == laser::some_left;
  if (unit == unit_percent || most.value_or(0) > 0) {
    out.percent = laser::percent_of(level, most);
  } else if (level && *level >= 0) {
    const auto* known = laser::unit_of(unit.value_or(0));
    if (known == nullptr) return out;
    out.amount = static_cast<double>(*level) * known->times;
    out.unit = known->name;
  }
  return out;
}

bool is_a4(const Said& said, const Oid& tray) {
  auto name = said.text(prt_input, 12, tray);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (name == "a4" || name.starts_with("iso-a4") || name.starts_with("iso_a4")) return true;
  // In micrometres, or else in ten-thousandths of inches: within a millimetre.
  const double size = said.number(prt_input, 3, tray) == 4 ? 0.001 : 0.00254;
  const auto is = [&](std::uint32_t column, double millimetres) {
    const auto given = said.number(prt_input, column, tray);
    return given && std::abs(static_cast<double>(*given) * size - millimetres) < 1;
  };
  return (is(6, 297) && is(7, 210)) || (is(6, 210) && is(7, 297));
}

laser::Paper paper_of(const Said& said) {
  laser::Paper out;
  for (const auto& tray : said.rows(prt_input)) {
    const auto level = said.number(prt_input, 10, tray);
    // Somebody feeds it by hand: it is empty nearly always.
    if (said.number(prt_input, 2, tray) == sheet_feed_manual) {
      if (level == 0) out.slot_empty = true;
      continue;
    }
    if (is_a4(said, tray)) out.a4 = true;
    const auto unit = said.number(prt_input, 8, tray).value_or(8);
    const bool counts_sheets = unit == 8 || unit == 18;
    if (level == laser::some_left || (level.value_or(0) > 0 && !counts_sheets)) out.some = true;
    if (level.value_or(unknown_level) == unknown_level) out.unknown = true;
    if (!level || *level < 0) continue;
    if (*level == 0) out.empty.push_back(said.text(prt_input, 13, tray));
    if (!counts_sheets) continue;
    out.sheets = out.sheets.value_or(0) + static_cast<double>(*level);
    const auto most = said.number(prt_input, 9, tray);
    if (most && *most > 0) out.capacity = out.capacity.value_or(0) + static_cast<double>(*most);
  }
  return out;
}

}  // namespace

Stock stock_of(const Said& said, const Where& where) {
  Stock out;
  out.rows = said.rows(prt_supplies);
  if (out.rows.size() > laser::most_items) out.rows.resize(laser::most_items);
  for (const auto& row : out.rows) out.supplies.push_back(supply_of(said, where, row));
  out.paper = paper_of(said);
  // lowPaper and noPaper are bits of it: where it is told, they are.
  out.paper.flagged = said.octets(hr_printer, 2, {where.device}).has_value();
  return out;
}

}  // namespace kw::drivers::snmp
