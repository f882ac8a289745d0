// What people write: port addresses, settings, scenario files.
#include <algorithm>

#include "drivers/catalogue.hpp"
#include "drivers/ports/open.hpp"
#include "drivers/simulators/scenario.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

void fuzz_address(Input input) {
  const auto address = drivers::PortAddress::parse(text_of(input));
  if (!address) return;
  if (address->scheme.empty()) broken("an address without a scheme");
  if (address->scheme == "tcp" && (address->host.empty() || address->port == 0)) {
    broken("a tcp address that leads nowhere");
  }
}

/// The first byte names the driver; then a line a setting, NAME=VALUE.
void fuzz_settings(Input input) {
  if (input.empty()) return;
  const auto cards = drivers::catalogue();
  const auto& card = cards[input.front() % cards.size()];
  std::map<std::string, std::string, std::less<>> given;
  auto text = text_of(input.subspan(1));
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    const auto equals = std::min(line.find('='), line.size());
    given.insert_or_assign(std::string{line.substr(0, equals)},
                           std::string{line.substr(std::min(equals + 1, line.size()))});
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  std::vector<Error> problems;
  const auto settings = drivers::Settings::read(card.settings, given, problems);
  // Complete whatever was given: a driver may be made of it.
  static_cast<void>(bool(card.make(settings)));
}

void fuzz_scenario(Input input) {
  std::vector<config::Problem> problems;
  const auto document = config::parse(text_of(input), "scenario.toml", problems);
  if (!document) {
    if (problems.empty()) broken("refused without a word");
    return;
  }
  const auto devices = devices::read_scenario(*document, problems);
  if (bool(devices) != problems.empty()) broken("mistakes and an accepted scenario, or neither");
  for (const auto& problem : problems) {
    if (problem.in(Lang::zh_cn).empty()) broken("a mistake without words");
  }
}

}  // namespace kw::fuzz
