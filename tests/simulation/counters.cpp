#include "tests/simulation/counters.hpp"

#include <fmt/format.h>

namespace kw::simulation {

std::string Counters::json() const {
  std::string out = fmt::format(R"({{"seeds":{},"days":{},"kiosks":{})", seeds, days, kiosks);
  for (const auto& [name, count] : faults()) out += fmt::format(R"(,"{}":{})", name, *count);
  const Row rest[] = {{"writes_refused", &writes_refused},
                      {"ceilings", &ceilings},
                      {"events", &events},
                      {"acknowledged", &acknowledged},
                      {"gaps", &gaps},
                      {"resends", &resends},
                      {"orders", &orders},
                      {"lost", &lost},
                      {"duplicated", &duplicated},
                      {"out_of_order", &out_of_order},
                      {"unnamed_gaps", &unnamed_gaps},
                      {"start_failures", &start_failures},
                      {"other_violations", &other_violations}};
  for (const auto& [name, count] : rest) out += fmt::format(R"(,"{}":{})", name, *count);
  return out + "}";
}

}  // namespace kw::simulation
