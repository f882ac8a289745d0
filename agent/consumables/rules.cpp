#include "agent/consumables/rules.hpp"

#include <algorithm>
#include <array>

namespace kw::agent {
namespace {

constexpr std::string_view supplies =
    "receipt_paper, a4_paper, paper, toner, drum, fuser, transfer_unit, developer, ribbon, ink, "
    "card_stock, invoice_stock, staples, cleaning_kit, battery, other";
constexpr std::string_view units = "percent, pages, sheets, metres, count, cards, g, ml, hours";
constexpr std::array<std::string_view, 4> colours{"_black", "_cyan", "_magenta", "_yellow"};

bool listed(std::string_view list, std::string_view wanted) {
  while (!list.empty()) {
    const auto end = std::min(list.find(", "), list.size());
    if (list.substr(0, end) == wanted) return true;
    list.remove_prefix(std::min(end + 2, list.size()));
  }
  return false;
}

/// Behind a type there may be a colour, and behind that the number of one more of that type.
std::string_view plain_type(std::string_view type) {
  const auto last = type.find_last_not_of("0123456789");
  const bool numbered = last != std::string_view::npos && last + 1 < type.size() &&
                        type[last] == '_' && type[last + 1] != '0';
  if (numbered) type = type.substr(0, last);
  for (const auto colour : colours) {
    if (type.ends_with(colour)) return type.substr(0, type.size() - colour.size());
  }
  return type;
}

struct Codes {
  std::string_view type;
  std::string_view low;
  std::string_view empty;
};

constexpr std::array codes{
    Codes{"receipt_paper", "media-low", "media-empty"},
    Codes{"a4_paper", "media-low", "media-empty"},
    Codes{"paper", "media-low", "media-empty"},
    Codes{"invoice_stock", "media-low", "media-empty"},
    Codes{"card_stock", "media-low", "media-empty"},
    Codes{"toner", "toner-low", "toner-empty"},
    Codes{"drum", "opc-near-eol", "opc-life-over"},
    Codes{"developer", "developer-low", "developer-empty"},
};
constexpr Codes otherwise{"", "marker-supply-low", "marker-supply-empty"};

const Codes& codes_of(std::string_view type) {
  const auto* const it = std::ranges::find(codes, plain_type(type), &Codes::type);
  return it == codes.end() ? otherwise : *it;
}

}  // namespace

bool known_supply(std::string_view type) { return listed(supplies, plain_type(type)); }
std::string_view known_supplies() { return supplies; }
bool known_unit(std::string_view unit) { return listed(units, unit); }
std::string_view known_units() { return units; }
std::string_view low_code(std::string_view type) { return codes_of(type).low; }
std::string_view empty_code(std::string_view type) { return codes_of(type).empty; }

}  // namespace kw::agent
