#include "drivers/laser_printer/supplies.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>

namespace kw::drivers::laser {
namespace {

/// "wasteToner", "waste-toner" and "Waste Toner" are one word.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') out += static_cast<char>(c + 32);
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  }
  return out;
}

struct Word {
  std::string_view part;  ///< of the plain text
  std::string_view means;
};

std::string_view meaning(std::string_view text, std::span<const Word> words) {
  const auto word = std::ranges::find_if(
      words, [text](const Word& w) { return text.find(w.part) != std::string_view::npos; });
  return word == words.end() ? std::string_view{} : word->means;
}

/// The first that fits: waste toner is no toner, a toner cartridge is.
constexpr std::array type_words{Word{"wastetoner", "waste_toner"},
                                Word{"wasteink", "waste_ink"},
                                Word{"waste", "waste_toner"},
                                Word{"toner", "toner"},
                                Word{"developer", "developer"},
                                Word{"opc", "drum"},
                                Word{"drum", "drum"},
                                Word{"photoconductor", "drum"},
                                Word{"fuser", "fuser"},
                                Word{"transfer", "transfer_unit"},
                                Word{"ribbon", "ribbon"},
                                Word{"ink", "ink"},
                                Word{"clean", "cleaning_kit"},
                                Word{"staple", "staples"}};
constexpr std::array colour_words{Word{"black", "black"},     Word{"000000", "black"},
                                  Word{"cyan", "cyan"},       Word{"00ffff", "cyan"},
                                  Word{"magenta", "magenta"}, Word{"ff00ff", "magenta"},
                                  Word{"yellow", "yellow"},   Word{"ffff00", "yellow"}};

}  // namespace

std::string type_of(std::string_view type, std::string_view name) {
  for (const auto& text : {plain(type), plain(name)}) {
    if (const auto found = meaning(text, type_words); !found.empty()) return std::string{found};
  }
  return meaning(plain(name), colour_words).empty() ? "other" : "toner";
}

std::string colour_of(std::string_view colour, std::string_view name) {
  const auto code = plain(colour);
  // "#00FFFF#FF00FF#FFFF00" is a cartridge of several colours.
  auto found =
      code.size() > 6 && colour.starts_with('#') ? std::string_view{} : meaning(code, colour_words);
  if (found.empty()) found = meaning(plain(name), colour_words);
  return std::string{found};
}

std::optional<double> percent_of(std::optional<std::int64_t> level,
                                 std::optional<std::int64_t> most) {
  if (!level || *level < 0) return std::nullopt;
  const double full = most && *most > 0 ? static_cast<double>(*most) : 100.0;
  return std::clamp(static_cast<double>(*level) * 100.0 / full, 0.0, 100.0);
}

namespace {

constexpr std::array units{Unit{7, "impressions", "pages", 1},
                           Unit{8, "sheets", "sheets", 1},
                           Unit{11, "hours", "hours", 1},
                           Unit{13, "tenthsOfGrams", "g", 0.1},
                           Unit{15, "tenthsOfMilliliters", "ml", 0.1},
                           Unit{16, "feet", "metres", 0.3048},
                           Unit{17, "meters", "metres", 1},
                           Unit{18, "items", "count", 1}};

}  // namespace

const Unit* unit_of(std::int64_t number) {
  const auto row = std::ranges::find(units, number, &Unit::number);
  return row == units.end() ? nullptr : &*row;
}

const Unit* unit_of(std::string_view keyword) {
  const auto row = std::ranges::find(units, keyword, &Unit::keyword);
  return row == units.end() ? nullptr : &*row;
}

bool is_waste(std::string_view type) { return type.starts_with("waste"); }

namespace {

wire::ConsumableState state_of_bin(const Supply& bin, const Findings& findings) {
  // Never from the level: for some printers it is what is in it, for others what still goes in.
  if (bin.flag == Supply::Flag::missing) return wire::ConsumableState::missing;
  if (!is_waste(bin.type)) return wire::ConsumableState::unknown;
  if (findings.has("marker-waste-full")) return wire::ConsumableState::full;
  if (findings.has("marker-waste-almost-full")) return wire::ConsumableState::high;
  return wire::ConsumableState::ok;
}

/// The supplies of a printer, and which of them its flags mean. The printer says "a toner" or "a
/// supply" and not which.
class Flags {
 public:
  Flags(const std::vector<Supply>& all, const Findings& findings, const Limits& limits)
      : all_(all), findings_(findings), limits_(limits) {}

  double warning_level(const Supply& s) const {
    return std::max(s.type == "toner" ? limits_.toner_percent : 0, s.low.value_or(0));
  }

  wire::ConsumableState state(const Supply& s) const {
    if (s.flag == Supply::Flag::missing) return wire::ConsumableState::missing;
    if (s.flag == Supply::Flag::out) return wire::ConsumableState::out;
    if (s.flag == Supply::Flag::low) return wire::ConsumableState::low;
    const bool toner = s.type == "toner";
    const bool toner_empty = toner && findings_.has("toner-empty") && empty_one(s, true);
    if (toner_empty || (findings_.has("marker-supply-empty") && empty_one(s, false))) {
      return wire::ConsumableState::out;
    }
    const bool toner_low = toner && findings_.has("toner-low") && low_one(s, true);
    if (below(s) || toner_low || (findings_.has("marker-supply-low") && low_one(s, false))) {
      return wire::ConsumableState::low;
    }
    return s.percent || s.amount || s.some ? wire::ConsumableState::full
                                           : wire::ConsumableState::unknown;
  }

 private:
  bool below(const Supply& s) const { return s.percent && *s.percent <= warning_level(s); }

  /// The one that the printer names; where it names none, one of those with the least.
  bool empty_one(const Supply& s, bool toners_only) const {
    return named(Supply::Flag::out, toners_only) ? s.flag == Supply::Flag::out
                                                 : lowest(s, toners_only);
  }

  /// The one that the printer names, or one of those at or below their warning level; where none
  /// is, of those with the least.
  bool low_one(const Supply& s, bool toners_only) const {
    if (named(Supply::Flag::low, toners_only)) return s.flag == Supply::Flag::low;
    const bool any_below = std::ranges::any_of(
        all_, [&](const Supply& o) { return concerned(o, toners_only) && below(o); });
    return any_below ? below(s) : lowest(s, toners_only);
  }

  bool lowest(const Supply& s, bool toners_only) const {
    return std::ranges::none_of(all_, [&](const Supply& o) {
      return concerned(o, toners_only) && o.percent && (!s.percent || *o.percent < *s.percent);
    });
  }

  bool named(Supply::Flag flag, bool toners_only) const {
    return std::ranges::any_of(
        all_, [&](const Supply& o) { return concerned(o, toners_only) && o.flag == flag; });
  }

  static bool concerned(const Supply& s, bool toners_only) {
    return s.direction == wire::Direction::supply && (!toners_only || s.type == "toner");
  }

  const std::vector<Supply>& all_;
  const Findings& findings_;
  const Limits& limits_;
};

/// Level and capacity in the unit they are given in; the state is judged by others.
wire::Consumable plain_item(const Supply& supply) {
  wire::Consumable out{.type = supply.type, .direction = supply.direction, .unit = "percent"};
  // Black is what a printer has; the others are told apart by their colour.
  if (!supply.colour.empty() && supply.colour != "black") out.type += "_" + supply.colour;
  out.percent = supply.percent;
  out.available = supply.percent;
  if (!supply.percent && supply.amount) {
    out.available = supply.amount;
    out.unit = supply.unit;
  }
  out.source = out.available ? wire::LevelSource::measured : wire::LevelSource::flag;
  if (supply.percent) out.capacity = 100;
  return out;
}

void add_supplies(std::vector<Supply> supplies, Findings& findings, const Limits& limits,
                  std::vector<wire::Consumable>& out) {
  if (supplies.size() > most_items) supplies.resize(most_items);
  const Flags flags{supplies, findings, limits};
  /// Names of what is in that state.
  struct Names {
    std::vector<std::string> toner;
    std::vector<std::string> all;
    void add(const Supply& s) {
      all.push_back(s.name);
      if (s.type == "toner") toner.push_back(s.name);
    }
  };
  Names low;
  Names empty;
  std::vector<std::string> bins;
  for (const auto& supply : supplies) {
    auto item = plain_item(supply);
    if (supply.direction == wire::Direction::bin) {
      item.state = state_of_bin(supply, findings);
      if (is_waste(supply.type)) bins.push_back(supply.name);
      out.push_back(std::move(item));
      continue;
    }
    if (const double level = flags.warning_level(supply); level > 0) item.warning_level = level;
    item.state = flags.state(supply);
    if (item.state == wire::ConsumableState::low) low.add(supply);
    if (item.state == wire::ConsumableState::out) {
      empty.add(supply);
      item.available = 0;
      item.percent = 0;
    }
    out.push_back(std::move(item));
  }
  findings.detail("toner-low", low.toner);
  findings.detail("toner-empty", empty.toner);
  findings.detail("marker-supply-low", low.all);
  findings.detail("marker-supply-empty", empty.all);
  findings.detail("marker-waste-almost-full", bins);
  findings.detail("marker-waste-full", bins);
}

void add_paper(Paper paper, Findings& findings, const Limits& limits,
               std::vector<wire::Consumable>& out) {
  // What one tray counts is no total while another has some uncounted, or may have.
  if (paper.unknown && paper.sheets.value_or(0) > 0) paper.some = true;
  if (paper.some || paper.unknown) paper.sheets = paper.capacity = std::nullopt;
  wire::Consumable item{.type = paper.a4 ? "a4_paper" : "paper", .unit = "sheets"};
  item.source = paper.sheets ? wire::LevelSource::measured : wire::LevelSource::flag;
  item.available = paper.sheets;
  item.capacity = paper.capacity;
  if (paper.sheets && paper.capacity) {
    item.percent = std::min(100.0, *paper.sheets * 100 / *paper.capacity);
  }
  if (limits.paper_sheets > 0) item.warning_level = limits.paper_sheets;
  const bool below =
      limits.paper_sheets > 0 && paper.sheets && *paper.sheets <= limits.paper_sheets;
  // "At least one tray is empty", and another may not be: where one is known to be that says
  // nothing of a tray that tells nothing.
  const bool tray_empty = findings.has("media-empty");
  const bool it_is_another = paper.unknown && (!paper.empty.empty() || paper.slot_empty);
  if (tray_empty && !paper.some && !it_is_another && paper.sheets.value_or(0) <= 0) {
    item.state = wire::ConsumableState::out;
    item.available = 0;
    if (item.percent) item.percent = 0;
  } else if (tray_empty || findings.has("media-low") || below) {
    item.state = wire::ConsumableState::low;
  } else if (findings.has("media-jam")) {
    item.state = wire::ConsumableState::jammed;
  } else if (paper.some || paper.sheets || paper.flagged) {
    item.state = wire::ConsumableState::full;
  } else {
    item.state = wire::ConsumableState::unknown;
    item.source = wire::LevelSource::unknown;
  }
  findings.detail("media-empty", paper.empty);
  out.push_back(std::move(item));
}

/// Whoever counts a supply knows it by its type: a second one of a type is `other_2`, in the
/// printer's order.
void tell_apart(std::vector<wire::Consumable>& items) {
  std::map<std::string, int> times;
  for (auto& item : items) {
    if (const int time = ++times[item.type]; time > 1) item.type += "_" + std::to_string(time);
  }
}

}  // namespace

std::vector<wire::Consumable> consumables_of(std::vector<Supply> supplies, Paper paper,
                                             Findings& findings, const Limits& limits) {
  std::vector<wire::Consumable> out;
  add_supplies(std::move(supplies), findings, limits, out);
  add_paper(std::move(paper), findings, limits, out);
  tell_apart(out);
  return out;
}

}  // namespace kw::drivers::laser
