#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire/status.hpp"
#include "drivers/laser_printer/findings.hpp"

namespace kw::drivers::laser {

/// The operator's warning levels; 0: only the printer's own.
struct Limits {
  double toner_percent = 0;
  double paper_sheets = 0;
};

/// One supply or receptacle, as the printer tells of it.
struct Supply {
  /// What the printer says of this very one, in growing order.
  enum class Flag : std::uint8_t { none, low, out, missing };

  std::string type;    ///< toner, waste_toner, drum, fuser, ink … other
  std::string colour;  ///< black cyan magenta yellow; empty: not said
  std::string name;    ///< the printer's words
  wire::Direction direction = wire::Direction::supply;
  std::optional<double> percent;  ///< as the printer gives it
  bool some = false;              ///< there is some, and it cannot say how much
  std::optional<double> low;      ///< percent at which the printer itself warns
  std::optional<double> amount;   ///< in `unit`, where there is no percent to be had of it
  std::string unit;               ///< of `amount`: pages hours g ml …
  Flag flag = Flag::none;
};

/// The paper in all input trays.
struct Paper {
  bool a4 = false;
  std::optional<double> sheets;    ///< in the trays that count
  std::optional<double> capacity;  ///< of those trays
  std::vector<std::string> empty;  ///< names of trays that count none
  bool some = false;               ///< a tray has paper and does not count it
  bool unknown = false;            ///< a tray says nothing of how much it has
  bool slot_empty = false;         ///< of a slot that is fed by hand: nearly always so
  bool flagged = false;            ///< the printer would say when paper is low or out
};

/// "wasteToner", "waste-toner" and "Waste Toner" are one word: the printer's word for a supply's
/// type, or else its name, as a type of ours.
std::string type_of(std::string_view type, std::string_view name);

/// black, cyan, magenta, yellow from a colour's name or "#RRGGBB", or else the supply's name; empty
/// when neither says.
std::string colour_of(std::string_view colour, std::string_view name);

/// A level that means "some, and not how much" (RFC 3805).
inline constexpr std::int64_t some_left = -3;

/// -1 unlimited, -2 unknown, -3 some: none of them is a level (RFC 3805). Without a capacity the
/// level is a percentage.
std::optional<double> percent_of(std::optional<std::int64_t> level,
                                 std::optional<std::int64_t> most);

/// A unit of supplies that the wire has a word for.
struct Unit {
  std::int64_t number;       ///< PrtMarkerSuppliesSupplyUnitTC (RFC 3805)
  std::string_view keyword;  ///< the same in printer-supply (PWG 5100.13)
  std::string_view name;     ///< ours
  double times;              ///< one of the printer's is so many of ours
};

/// Null where it is none of them.
const Unit* unit_of(std::int64_t number);
const Unit* unit_of(std::string_view keyword);

/// A waste container, whatever class the printer puts it in.
bool is_waste(std::string_view type);

/// Supplies and paper, each in the state that level and flags together give (protocols, output
/// devices, section 8); each of a type of its own: a second "other" is "other_2". Names in
/// `findings` what its conditions are about.
std::vector<wire::Consumable> consumables_of(std::vector<Supply> supplies, Paper paper,
                                             Findings& findings, const Limits& limits);

}  // namespace kw::drivers::laser
