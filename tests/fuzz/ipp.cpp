// An IPP printer's answer, and what the driver makes of it.
#include "drivers/laser_printer/ipp/message.hpp"
#include "drivers/laser_printer/ipp/reasons.hpp"
#include "drivers/laser_printer/ipp/supplies.hpp"
#include "tests/fuzz/target.hpp"

namespace kw::fuzz {

void fuzz_ipp(Input input) {
  using namespace drivers;
  const auto printer = ipp::parse(input);
  if (!printer) return;
  ipp::Reported reported{*printer};
  const auto supplies = ipp::consumables_of(*printer, reported, {.toner_percent = 10});
  // A status carries 32 of each; what is more would be cut off unseen.
  if (supplies.size() > 32) broken("more consumables than a status carries");
  if (reported.conditions().size() > 32) broken("more conditions than a status carries");
  for (const auto& supply : supplies) {
    if (supply.percent && !(*supply.percent >= 0 && *supply.percent <= 100)) {
      broken("a level beyond 0 to 100 percent");
    }
  }
}

}  // namespace kw::fuzz
