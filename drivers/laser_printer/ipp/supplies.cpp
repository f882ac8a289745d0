#include "drivers/laser_printer/ipp/supplies.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace kw::drivers::ipp {
namespace {

using laser::colour_of;
using laser::is_waste;
using laser::Paper;
using laser::percent_of;
using laser::some_left;
using laser::Supply;
using laser::type_of;

constexpr std::int64_t unknown_level = -2;  // of a tray (PWG 5100.13, as RFC 3805)

std::vector<Supply> from_printer_supply(const Message& printer) {
  std::vector<Supply> out;
  const auto rows = printer.texts("printer-supply");
  const auto names = printer.texts("printer-supply-description");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    Supply supply;
    if (names.size() == rows.size()) supply.name = names[i];
    supply.type = type_of(field(row, "type").value_or(""), supply.name);
    supply.colour = colour_of(field(row, "colorantname").value_or(""), supply.name);
    const bool bin = field(row, "class") == "receptacleThatIsFilled";
    if (bin || is_waste(supply.type)) supply.direction = wire::Direction::bin;
    const auto most = number_field(row, "maxcapacity");
    const bool in_percent = field(row, "unit") == "percent";
    if (in_percent || (most && *most > 0)) {
      supply.percent = percent_of(number_field(row, "level"), most);
    }
    const auto level = number_field(row, "level");
    supply.some = level == some_left;
    const auto* unit = laser::unit_of(field(row, "unit").value_or(""));
    if (!supply.percent && unit != nullptr && level && *level >= 0) {
      supply.amount = static_cast<double>(*level) * unit->times;
      supply.unit = unit->name;
    }
    out.push_back(std::move(supply));
  }
  return out;
}

std::vector<Supply> from_markers(const Message& printer) {
  std::vector<Supply> out;
  const auto names = printer.texts("marker-names");
  const auto types = printer.texts("marker-types");
  const auto colours = printer.texts("marker-colors");
  const auto levels = printer.integers("marker-levels");
  const auto lows = printer.integers("marker-low-levels");
  const auto count = std::max({names.size(), types.size(), levels.size()});
  const auto at = [](const auto& list, std::size_t i) {
    using Item = std::decay_t<decltype(list[0])>;
    return i < list.size() ? std::optional<Item>{list[i]} : std::nullopt;
  };
  for (std::size_t i = 0; i < count; ++i) {
    Supply supply;
    supply.name = at(names, i).value_or("");
    supply.type = type_of(at(types, i).value_or(""), supply.name);
    supply.colour = colour_of(at(colours, i).value_or(""), supply.name);
    if (is_waste(supply.type)) supply.direction = wire::Direction::bin;
    supply.percent = percent_of(at(levels, i), 100);
    supply.some = at(levels, i) == some_left;
    // 0 is how a printer leaves it out; a receptacle has a high level instead.
    const auto low = at(lows, i);
    if (low && *low > 0 && supply.direction == wire::Direction::supply) supply.low = *low;
    out.push_back(std::move(supply));
  }
  return out;
}

bool same_thing(const Supply& a, const Supply& b) {
  if (a.type != b.type || a.direction != b.direction) return false;
  return a.colour == b.colour || a.colour.empty() || b.colour.empty();
}

bool is_a4(std::string_view tray) {
  const auto feed = number_field(tray, "mediafeed");
  const auto cross = number_field(tray, "mediaxfeed");
  return (feed == 29700 && cross == 21000) || (feed == 21000 && cross == 29700);
}

/// By its type, or by its name where that is one of PWG 5100.7's media-source: a by-pass may be
/// called an automatic feed.
bool is_fed_by_hand(std::string_view tray) {
  const auto name = field(tray, "name");
  return field(tray, "type") == "sheetFeedManual" || name == "manual" || name == "by-pass-tray";
}

/// Both families together: each may be there or not, in an order of its own; where both give a
/// level, printer-supply's holds.
std::vector<Supply> supplies_of(const Message& printer) {
  auto out = from_printer_supply(printer);
  std::vector<bool> told(out.size(), false);
  for (auto& marker : from_markers(printer)) {
    std::size_t i = 0;
    while (i < told.size() && (told[i] || !same_thing(out[i], marker))) ++i;
    if (i == told.size()) {
      out.push_back(std::move(marker));
      continue;
    }
    told[i] = true;
    auto& supply = out[i];
    if (!supply.percent) supply.percent = marker.percent;
    supply.some = supply.some || marker.some;
    if (supply.colour.empty()) supply.colour = marker.colour;
    if (supply.name.empty()) supply.name = marker.name;
    supply.low = marker.low;
  }
  return out;
}

Paper paper_of(const Message& printer) {
  Paper out;
  const auto media_ready = printer.texts("media-ready");
  const auto trays = printer.texts("printer-input-tray");
  // media-low and media-empty are among its keywords (RFC 8011 section 5.4.12); every printer has
  // to give the attribute, and one that tells of no paper otherwise may not watch any.
  out.flagged =
      !printer.texts("printer-state-reasons").empty() && !(media_ready.empty() && trays.empty());
  for (const auto& media : media_ready) {
    if (media.starts_with("iso_a4")) out.a4 = true;
  }
  for (const auto& tray : trays) {
    const auto name = field(tray, "name").value_or("");
    const auto level = number_field(tray, "level");
    // The printer's own choice among the others (PWG 5100.7, media-source), and no tray.
    if (name == "auto") continue;
    // Somebody feeds it by hand: it is empty nearly always.
    if (is_fed_by_hand(tray)) {
      if (level == 0) out.slot_empty = true;
      continue;
    }
    if (is_a4(tray)) out.a4 = true;
    const auto unit = field(tray, "unit").value_or("sheets");
    const bool counts_sheets = unit == "sheets" || unit == "items";
    if (level == some_left || (level.value_or(0) > 0 && !counts_sheets)) out.some = true;
    if (level.value_or(unknown_level) == unknown_level) out.unknown = true;
    if (!level || *level < 0) continue;
    if (*level == 0) out.empty.push_back(name);
    if (!counts_sheets) continue;
    out.sheets = out.sheets.value_or(0) + static_cast<double>(*level);
    const auto most = number_field(tray, "maxcapacity");
    if (most && *most > 0) out.capacity = out.capacity.value_or(0) + static_cast<double>(*most);
  }
  return out;
}

}  // namespace

std::vector<wire::Consumable> consumables_of(const Message& printer, Reported& reported,
                                             const laser::Limits& limits) {
  return laser::consumables_of(supplies_of(printer), paper_of(printer), reported, limits);
}

}  // namespace kw::drivers::ipp
