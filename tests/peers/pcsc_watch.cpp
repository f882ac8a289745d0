// One reader watched by one driver, as the agent does it: a line on standard input, a status in
// JSON on standard output. pcsc_watch PORT; whatever happens to reader and service meanwhile,
// driver and port stay the same.
#include <iostream>
#include <string>

#include <boost/json/serialize.hpp>

#include "common/wire/status_json.hpp"
#include "drivers/catalogue.hpp"
#include "drivers/ports/open.hpp"

int main(int count, char** arguments) {
  using namespace kw;
  if (count != 2) return 2;
  const SystemClock clock;
  const auto deadline = [&clock] { return clock.mono() + std::chrono::seconds{2}; };
  const auto address = drivers::PortAddress::parse(arguments[1]);
  const auto* card = drivers::find("pcsc");
  std::vector<Error> wrong;
  auto driver = card->make(drivers::Settings::read(
      card->settings, {{"card_mute_after_s", "0"}, {"timeout_ms", "700"}}, wrong));
  auto port = drivers::open_port(*address, clock, deadline());
  if (!driver || !port || !(*driver)->open(**port, deadline())) return 1;
  for (std::string line; std::getline(std::cin, line);) {
    const auto status = (*driver)->poll(deadline());
    if (!status) return 1;
    std::cout << boost::json::serialize(wire::to_json(*status)) << std::endl;
  }
  (*driver)->close();
}
