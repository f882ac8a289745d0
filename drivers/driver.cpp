#include "drivers/driver.hpp"

#include <algorithm>

#include "drivers/catalogue.hpp"

namespace kw::drivers {

Result<SelfTest> Driver::self_test(std::string_view what, MonoTime /*deadline*/) {
  return Error{Errc::unsupported, "no self-test \"" + std::string{what} + "\""};
}

bool fits(const Card& card, std::string_view scheme) {
  if (card.schemes.empty()) return scheme == "-";
  return std::ranges::find(card.schemes, scheme) != card.schemes.end();
}

std::string known_schemes(const Card& card) {
  if (card.schemes.empty()) return "\"-\" (this driver has no port)";
  std::string out = "a port with scheme ";
  for (std::size_t i = 0; i < card.schemes.size(); ++i) {
    out.append(i == 0 ? "" : " or ").append(card.schemes[i]);
  }
  return out;
}

std::string_view name(Maturity v) {
  constexpr std::string_view names[] = {"simulated", "peer", "field"};
  return names[static_cast<std::size_t>(v)];
}

Kind kind_of(const Card& card, const Settings& settings) {
  if (card.kinds.empty()) return {card.kind, card.title};
  const auto row = std::ranges::find(card.kinds, settings.text("kind"), &Kind::name);
  return row == card.kinds.end() ? Kind{card.kind, card.title} : *row;
}

Text title_of(const Card& card, std::string_view kind) {
  const auto row = std::ranges::find(card.kinds, kind, &Kind::name);
  return row == card.kinds.end() ? card.title : row->title;
}

}  // namespace kw::drivers
