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

/// One supply or receptacle, from whichever family of attributes told of it.
struct Supply {
  std::string type;    ///< toner, waste_toner, drum, fuser, ink … other
  std::string colour;  ///< black cyan magenta yellow; empty: not said
  std::string name;    ///< the printer's words
  wire::Direction direction = wire::Direction::supply;
  std::optional<double> percent;  ///< as the printer gives it
  bool some = false;              ///< there is some, and it cannot say how much
  std::optional<double> low;      ///< percent at which the printer itself warns
};

/// The paper in all input trays.
struct Paper {
  bool a4 = false;
  std::optional<double> sheets;    ///< in the trays that count
  std::optional<double> capacity;  ///< of those trays
  std::vector<std::string> empty;  ///< names of trays that count none
  bool some = false;               ///< a tray has paper and does not count it
};

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

/// What a printer calls it when it does not say the type.
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

constexpr std::int64_t some_left = -3;

/// -1 unlimited, -2 unknown, -3 some: none of them is a level (RFC 3805).
std::optional<double> percent_of(std::optional<std::int64_t> level,
                                 std::optional<std::int64_t> most) {
  if (!level || *level < 0) return std::nullopt;
  const double full = most && *most > 0 ? static_cast<double>(*most) : 100.0;
  return std::clamp(static_cast<double>(*level) / full * 100.0, 0.0, 100.0);
}

bool is_waste(std::string_view type) { return type.starts_with("waste"); }

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
    const auto kind = plain(field(row, "class").value_or(""));
    const bool bin = kind.empty() ? is_waste(supply.type) : kind == "receptaclethatisfilled";
    if (bin) supply.direction = wire::Direction::bin;
    const auto most = number_field(row, "maxcapacity");
    const bool in_percent = field(row, "unit") == "percent";
    if (in_percent || (most && *most > 0)) {
      supply.percent = percent_of(number_field(row, "level"), most);
    }
    supply.some = number_field(row, "level") == some_left;
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
  for (const auto& media : printer.texts("media-ready")) {
    if (media.starts_with("iso_a4")) out.a4 = true;
  }
  for (const auto& tray : printer.texts("printer-input-tray")) {
    if (is_a4(tray)) out.a4 = true;
    const auto level = number_field(tray, "level");
    if (level && *level == some_left) out.some = true;
    if (!level || *level < 0) continue;
    out.sheets = out.sheets.value_or(0) + static_cast<double>(*level);
    const auto most = number_field(tray, "maxcapacity");
    if (most && *most > 0) out.capacity = out.capacity.value_or(0) + static_cast<double>(*most);
    if (*level == 0) out.empty.push_back(field(tray, "name").value_or(""));
  }
  return out;
}

wire::ConsumableState state_of_bin(const Supply& bin, const Reported& reported) {
  // Never from the level: for some printers it is what is in it, for others what still goes in.
  if (!bin.type.starts_with("waste")) return wire::ConsumableState::unknown;
  if (reported.has("marker-waste-full")) return wire::ConsumableState::full;
  if (reported.has("marker-waste-almost-full")) return wire::ConsumableState::high;
  return wire::ConsumableState::ok;
}

/// The supplies of a printer, and which of them its flags mean. The printer says "a toner" or "a
/// supply" and not which.
class Flags {
 public:
  Flags(const std::vector<Supply>& all, const Reported& reported, const Limits& limits)
      : all_(all), reported_(reported), limits_(limits) {}

  double warning_level(const Supply& s) const {
    return std::max(s.type == "toner" ? limits_.toner_percent : 0, s.low.value_or(0));
  }

  wire::ConsumableState state(const Supply& s) const {
    const bool toner = s.type == "toner";
    const bool toner_empty = toner && reported_.has("toner-empty") && lowest(s, true);
    if (toner_empty || (reported_.has("marker-supply-empty") && lowest(s, false))) {
      return wire::ConsumableState::out;
    }
    const bool toner_low = toner && reported_.has("toner-low") && low_one(s, true);
    if (below(s) || toner_low || (reported_.has("marker-supply-low") && low_one(s, false))) {
      return wire::ConsumableState::low;
    }
    return s.percent || s.some ? wire::ConsumableState::full : wire::ConsumableState::unknown;
  }

 private:
  bool below(const Supply& s) const { return s.percent && *s.percent <= warning_level(s); }

  /// One of those at or below their warning level; where none is, of those with the least.
  bool low_one(const Supply& s, bool toners_only) const {
    const bool any_below = std::ranges::any_of(
        all_, [&](const Supply& o) { return concerned(o, toners_only) && below(o); });
    return any_below ? below(s) : lowest(s, toners_only);
  }

  bool lowest(const Supply& s, bool toners_only) const {
    return std::ranges::none_of(all_, [&](const Supply& o) {
      return concerned(o, toners_only) && o.percent && (!s.percent || *o.percent < *s.percent);
    });
  }

  static bool concerned(const Supply& s, bool toners_only) {
    return s.direction == wire::Direction::supply && (!toners_only || s.type == "toner");
  }

  const std::vector<Supply>& all_;
  const Reported& reported_;
  const Limits& limits_;
};

wire::Consumable plain_item(const Supply& supply) {
  wire::Consumable out{.type = supply.type, .direction = supply.direction, .unit = "percent"};
  // Black is what a printer has; the others are told apart by their colour.
  if (!supply.colour.empty() && supply.colour != "black") out.type += "_" + supply.colour;
  out.percent = supply.percent;
  out.available = supply.percent;
  out.source = supply.percent ? wire::LevelSource::measured : wire::LevelSource::flag;
  if (supply.percent) out.capacity = 100;
  return out;
}

void add_supplies(const Message& printer, Reported& reported, const Limits& limits,
                  std::vector<wire::Consumable>& out) {
  auto supplies = supplies_of(printer);
  if (supplies.size() > most_items) supplies.resize(most_items);
  const Flags flags{supplies, reported, limits};
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
      item.state = state_of_bin(supply, reported);
      if (supply.type.starts_with("waste")) bins.push_back(supply.name);
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
  reported.detail("toner-low", low.toner);
  reported.detail("toner-empty", empty.toner);
  reported.detail("marker-supply-low", low.all);
  reported.detail("marker-supply-empty", empty.all);
  reported.detail("marker-waste-almost-full", bins);
  reported.detail("marker-waste-full", bins);
}

void add_paper(const Message& printer, Reported& reported, const Limits& limits,
               std::vector<wire::Consumable>& out) {
  auto paper = paper_of(printer);
  // What one tray counts is no total while another has some uncounted.
  if (paper.some) paper.sheets = paper.capacity = std::nullopt;
  wire::Consumable item{.type = paper.a4 ? "a4_paper" : "paper", .unit = "sheets"};
  item.source = paper.sheets ? wire::LevelSource::measured : wire::LevelSource::flag;
  item.available = paper.sheets;
  item.capacity = paper.capacity;
  if (paper.sheets && paper.capacity) {
    item.percent = std::min(100.0, *paper.sheets / *paper.capacity * 100);
  }
  if (limits.paper_sheets > 0) item.warning_level = limits.paper_sheets;
  const bool below =
      limits.paper_sheets > 0 && paper.sheets && *paper.sheets <= limits.paper_sheets;
  // "At least one tray is empty", and another may not be.
  const bool tray_empty = reported.has("media-empty");
  if (tray_empty && !paper.some && paper.sheets.value_or(0) <= 0) {
    item.state = wire::ConsumableState::out;
    item.available = 0;
    if (item.percent) item.percent = 0;
  } else if (tray_empty || reported.has("media-low") || below) {
    item.state = wire::ConsumableState::low;
  } else if (reported.has("media-jam")) {
    item.state = wire::ConsumableState::jammed;
  } else {
    item.state = wire::ConsumableState::full;
  }
  reported.detail("media-empty", paper.empty);
  out.push_back(std::move(item));
}

}  // namespace

std::vector<wire::Consumable> consumables_of(const Message& printer, Reported& reported,
                                             const Limits& limits) {
  std::vector<wire::Consumable> out;
  add_supplies(printer, reported, limits, out);
  add_paper(printer, reported, limits, out);
  return out;
}

}  // namespace kw::drivers::ipp
